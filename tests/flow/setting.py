"""The shipped flow with scripted models: what the flow's tests start from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from graph.assemble import parts_of, words_of
from graph.build import Parts
from graph.run import ReplyFlow
from graph.state import Request, RunContext
from graph.studio import SHIPPED
from nodes.load import SHIPPED_POLICY, load_flow
from nodes.screen import Standing
from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.conversation import Author, Transcript, Turn
from pharmacy.domain.facts import Consent, Patient
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.model import ChatModel
from pharmacy.domain.outcome import Outcome
from pharmacy.domain.policy import InForce, Policy
from pharmacy.domain.policy_file import load_policy
from pharmacy.domain.products.read import product_from, shipped
from pharmacy.models.tables import read_tables
from tests.fakes.scripted_run_models import Scripted, ScriptedRunModels
from tests.fakes.word_recogniser import WordRecogniser

FLOW = load_flow()
POLICY_FILE = load_policy(SHIPPED_POLICY, FLOW)
NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
PATIENT = Patient("p-1", consent=Consent(replies=True))
STANDING = Standing(NOW, PATIENT)
SHELF = Catalogue(tuple(product_from(product_id, body) for product_id, body in shipped().items()))

QUESTION = "荷物はいつごろ届きますか"
EMERGENCY, URGENT, HUMAN = "胸が苦しい", "飲み合わせ", "電話で話したい"
HELD_WORDS = {EMERGENCY: Tier.E, URGENT: Tier.U, HUMAN: Tier.H}

GOOD = "お問い合わせありがとうございます。ご注文の状況を確かめています。少しお待ちください。"
ANOTHER = "ご連絡ありがとうございます。発送の準備を進めていますので、もう少しだけお待ちください。"
THIRD = "お待たせしています。配送の予定がわかりましたら、このチャットでお知らせします。"
BLOCKED = "この漢方で必ず治ります。副作用はありません。"


def parts(words: Mapping[str, Tier] | None = None) -> Parts:
    """Return the shipped flow's parts, with a recogniser that holds `words` alone."""
    prompts = words_of(FLOW, read_tables(SHIPPED.models), SHIPPED)
    return parts_of(FLOW, prompts, SHIPPED, WordRecogniser(HELD_WORDS if words is None else words))


def request(*texts: str, standing: Standing = STANDING, before: Sequence[Turn] = (), **changes: object) -> Request:
    """Return a request to answer `texts`, sent a minute apart, the last one a minute ago."""
    sent = (NOW - timedelta(minutes=minutes) for minutes in range(len(texts), 0, -1))
    turns = tuple(Turn(Author.PATIENT, text, at) for text, at in zip(texts, sent, strict=True))
    asked = Request(Transcript((*before, *turns), len(texts)), standing, FLOW.first_phase)
    return replace(asked, **changes)  # type: ignore[arg-type]


def context(
    models: ScriptedRunModels, *, auto: Sequence[tuple[str, str]] = (), policy: InForce | None = None
) -> RunContext:
    """Return what a run may use; `auto` lists what may go out by itself, or `policy` says all of it."""
    return RunContext(models, SHELF, policy or letting_out(auto))


def letting_out(auto: Sequence[tuple[str, str]], **changes: object) -> InForce:
    """Return the shipped policy with `auto` let out, every other value as shipped unless `changes` says another."""
    modes: dict[str, dict[str, str]] = {}
    for category, phase in auto:
        modes.setdefault(category, {})[phase] = "auto"
    body = POLICY_FILE.first.model_dump(mode="json") | {"modes": modes} | changes
    return POLICY_FILE.in_force(Policy.model_validate(body), 1, stopped=False)


async def run(
    asked: Request,
    models: ScriptedRunModels,
    *,
    auto: Sequence[tuple[str, str]] = (),
    policy: InForce | None = None,
) -> Outcome:
    """Return what the shipped flow proposes for `asked`."""
    return await _shipped().run(asked, context(models, auto=auto, policy=policy))


@cache
def _shipped() -> ReplyFlow:
    return ReplyFlow(parts())


def models(
    *,
    category: str = "order_delivery",
    safety: str = "clear",
    phase: str = "intake",
    drafts: Sequence[Scripted] = (),
    marks: Sequence[Scripted] = (),
    fallback_used: bool = False,
    **others: Sequence[Scripted] | ChatModel,
) -> ScriptedRunModels:
    """Return models that name `category` and `phase`, write `drafts` and give `marks`; `others` replace a node's."""
    answers: dict[str, Sequence[Scripted] | ChatModel] = {
        "classify": [classified(category, safety)],
        "switch_phase": [{"phase": phase, "reason": "まだ聞き取りの途中"}],
        f"generate_{category}": [written(draft) if isinstance(draft, str) else draft for draft in drafts],
        "judge": marks,
    }
    return ScriptedRunModels(answers | others, fallback_used=fallback_used)


def classified(category: str, safety: str = "clear") -> dict[str, object]:
    """Return a classifier's answer."""
    return {"safety": safety, "category": category, "reason": "配送についてたずねている"}


def written(reply: str, *missing: str) -> dict[str, object]:
    """Return a generator's answer."""
    return {"missing_facts": [*missing], "reply": reply}


def marked(mark: int = 5, **lower: int) -> dict[str, object]:
    """Return a judge's answer: `mark` for every criterion but the `lower` ones."""
    return {name: {"reason": f"{name}の理由", "mark": lower.get(name, mark)} for name in FLOW.criteria}
