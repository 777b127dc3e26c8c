"""The figures as JSON, the same in the API and the command."""

from datetime import date
from typing import Any

from pydantic import BaseModel

from pharmacy.domain.budget import Rate
from pharmacy.domain.figures import Asked, Handled
from pharmacy.domain.numbers import Figures, Spread
from pharmacy.domain.share import Share
from pharmacy.storage.numbers import TOTAL
from server.figuring import Priced, Saved


class CountedShareOut(BaseModel):
    """A counted share, 0 to 1; null of nothing."""

    hits: int
    of: int
    share: float | None


class YenOut(BaseModel):
    """Yen per US dollar, or per message of a pharmacist's, as somebody stated it on a day."""

    yen: float
    dated: date
    assumed: bool
    """True while it is the shipped assumption, and not the pharmacy's own word."""


class CallsOut(BaseModel):
    """Model calls, summed up."""

    calls: int
    unpriced_calls: int
    """Calls whose price nobody knows."""

    estimated_calls: int
    """Calls whose tokens are an estimate."""

    prompt_tokens: int
    cached_tokens: int
    cached_share: float | None
    """`cached_tokens` of `prompt_tokens`: what the provider served from its own cache; null where nothing was read."""

    completion_tokens: int
    cost_usd: float | None
    """null while there are calls without a price; `priced_usd` is then what the others cost."""

    priced_usd: float


class SecondsOut(BaseModel):
    """From a message to the first reply; null of none."""

    n: int
    median: float | None
    p90: float | None


class MessagesOut(BaseModel):
    """Patients' messages, and who replied first within a week."""

    messages: int
    by_machine: int
    """Answered by a reply that nobody looked at before it went out."""

    by_pharmacist: int
    unanswered: int
    automation_share: float | None
    """`by_machine` of all messages; null of none."""

    seconds_machine: SecondsOut
    seconds_pharmacist: SecondsOut
    seconds_all: SecondsOut


class DecidedOut(BaseModel):
    """What people decided of drafts."""

    accepted: CountedShareOut
    """Sent as they were, of all decided."""

    edited: CountedShareOut


class WayOut(BaseModel):
    """The figures of a day, or of a category."""

    calls: CallsOut
    messages: MessagesOut
    drafts: DecidedOut
    cost_per_message_usd: float | None
    """Of all messages, answered or not; null where there were none, or a price is unknown."""

    cost_per_message_yen: float | None


class FigureDayOut(WayOut):
    """One day in Japan; a call counts on the day it began, a message on the day it came."""

    day: date


class FigureCategoryOut(WayOut):
    """One category; null where a run named none."""

    category: str | None


class SavedOut(BaseModel):
    """What calls cost, beside the same tokens at the teacher's price."""

    teacher: str
    cost_usd: float | None
    teacher_usd: float | None
    saved_usd: float | None


class FigureNodeOut(CallsOut):
    """One node's calls."""

    node: str
    saved: SavedOut | None
    """null for a node that the models file no longer has."""


class FigureModelOut(CallsOut):
    """One model's calls, and what people decided of its drafts."""

    model: str


class DraftModelOut(DecidedOut):
    """What people decided of one model's drafts; null where the draft's record does not say."""

    model: str | None


class DraftNumberOut(CountedShareOut):
    """The drafts written first, second and so on: which share cleared gate and judge."""

    number: int


class ChangeOut(BaseModel):
    """Something that changed within the days: `serving`, `policy`, `model` or `prompt`."""

    day: date
    what: str
    node: str
    to: str


class ReturnedOut(BaseModel):
    """What patients did after a reply."""

    reply_rate: CountedShareOut
    """Replies after which the patient wrote again within a week."""

    purchase_rate: CountedShareOut
    """Patients who wrote and bought within the days, of those whose orders say when they were made (`ordered_on`)."""

    ratings: int
    satisfaction: float | None
    """The mean mark of those ratings, 1 to 5; null where none was given."""


class PharmacyFiguresOut(BaseModel):
    """What replies cost and brought."""

    first: date
    last: date
    yen_per_usd: YenOut
    pharmacist_yen_per_message: YenOut
    total: WayOut
    saved: SavedOut
    """All nodes together."""

    by_day: list[FigureDayOut]
    by_category: list[FigureCategoryOut]
    by_node: list[FigureNodeOut]
    by_model: list[FigureModelOut]
    drafts_by_model: list[DraftModelOut]
    drafts_by_number: list[DraftNumberOut]
    changes: list[ChangeOut]
    returned: ReturnedOut


def told(of: Priced) -> PharmacyFiguresOut:
    """Return the figures as they are told."""
    counted, drafts = of.counted, of.drafts
    days, categories = counted.asked_by(0), counted.asked_by(3)
    named = {key[1] for key in (*counted.handled, *drafts) if key[0] == "category"} | categories.keys()
    models = sorted((key[1] for key in drafts if key[0] == "model"), key=str)
    returned = counted.returned
    return PharmacyFiguresOut(
        first=of.period.first, last=of.period.last, yen_per_usd=_yen(of.rate, own=of.rate_is_own),
        pharmacist_yen_per_message=_yen(of.pharmacist, own=of.pharmacist_is_own),
        total=WayOut(**_way(of, TOTAL, counted.all_asked)), saved=_saved(of.saved_in_all),
        by_day=[
            FigureDayOut(day=day, **_way(of, ("day", day), days.get(day, Asked()))) for day in of.period.each()
        ],
        by_category=[
            FigureCategoryOut(
                category=None if name is None else str(name),
                **_way(of, ("category", name), categories.get(name, Asked())),
            )
            for name in sorted(named, key=str)
        ],
        by_node=[
            FigureNodeOut(node=node, saved=_saved(of.saved[node]) if node in of.saved else None, **_calls(asked))
            for node, asked in sorted(((str(one), asked) for one, asked in counted.asked_by(1).items()), key=str)
        ],
        by_model=[
            FigureModelOut(model=str(model), **_calls(asked))
            for model, asked in sorted(counted.asked_by(2).items(), key=str)
        ],
        drafts_by_model=[DraftModelOut(model=name, **_decided(drafts[("model", name)])) for name in models],
        drafts_by_number=[DraftNumberOut(number=number, **_share(one)) for number, one in counted.drafts.items()],
        changes=[ChangeOut(day=mark.at, what=mark.what, node=mark.node, to=mark.to) for mark in counted.marks],
        returned=ReturnedOut(
            reply_rate=CountedShareOut(**_share(returned.reply_rate)),
            purchase_rate=CountedShareOut(**_share(returned.purchase_rate)),
            ratings=returned.ratings, satisfaction=returned.satisfaction,
        ),
    )  # fmt: skip


def per_message(asked: Asked, handled: Handled) -> float | None:
    """Return what a message cost in US dollars; None of none, and where a price is unknown."""
    return None if asked.cost_usd is None or not handled.messages else asked.cost_usd / handled.messages


def _way(of: Priced, key: tuple[str, Any], asked: Asked) -> dict[str, Any]:
    handled = of.counted.handled.get(key, Handled())
    cost = per_message(asked, handled)
    return {
        "calls": _calls(asked), "messages": _messages(handled), "drafts": _decided(of.drafts.get(key, Figures())),
        "cost_per_message_usd": cost,
        "cost_per_message_yen": None if cost is None else cost * of.rate.yen_per_usd,
    }  # fmt: skip


def _calls(asked: Asked) -> dict[str, Any]:
    return {
        "calls": asked.calls, "unpriced_calls": asked.unpriced, "estimated_calls": asked.estimated,
        "prompt_tokens": asked.prompt_tokens, "cached_tokens": asked.cached_tokens,
        "cached_share": asked.cached.value if asked.prompt_tokens else None,
        "completion_tokens": asked.completion_tokens, "cost_usd": asked.cost_usd, "priced_usd": asked.priced_usd,
    }  # fmt: skip


def _messages(handled: Handled) -> dict[str, Any]:
    return {
        "messages": handled.messages, "by_machine": handled.by_machine, "by_pharmacist": handled.by_pharmacist,
        "unanswered": handled.messages - handled.by_machine - handled.by_pharmacist,
        "automation_share": handled.automated.value if handled.messages else None,
        "seconds_machine": _spread(handled.seconds_machine), "seconds_all": _spread(handled.seconds_all),
        "seconds_pharmacist": _spread(handled.seconds_pharmacist),
    }  # fmt: skip


def _spread(spread: Spread) -> dict[str, Any]:
    return {"n": spread.n, "median": spread.median, "p90": spread.p90}


def _decided(figures: Figures) -> dict[str, Any]:
    return {"accepted": _share(figures.share("approved")), "edited": _share(figures.share("edited"))}


def _share(share: Share) -> dict[str, Any]:
    return {"hits": share.hits, "of": share.of, "share": share.value if share.of else None}


def _saved(saved: Saved) -> SavedOut:
    return SavedOut(
        teacher=saved.teacher, cost_usd=saved.cost_usd, teacher_usd=saved.teacher_usd, saved_usd=saved.saved_usd
    )


def _yen(rate: Rate, *, own: bool) -> YenOut:
    return YenOut(yen=rate.yen_per_usd, dated=rate.dated, assumed=not own)
