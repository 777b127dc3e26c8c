"""The numbers are a count over the drafts and displays as they lie in the store: of the right days and people."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from statistics import quantiles
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.types.json import Jsonb
from scipy.stats import binomtest

from pharmacy.domain.rights import EVERY_RIGHT
from pharmacy.storage import access, erasure
from pharmacy.storage.numbers import Asked, count
from tests.api.shop import Shop, new_id

JAPAN = ZoneInfo("Asia/Tokyo")
FIRST, LAST = date(2026, 9, 1), date(2026, 9, 12)
PEOPLE = ("key:tanaka", "key:sato", "key:suzuki")
DECIDED = ("approved", "edited", "rejected", "regenerated")
CODES = ("medically_wrong", "missing_information", "tone", "handled", "other")
WORDS = "葛根湯は食前にお飲みください。お大事に。"


class History:
    """Drafts, displays and decisions at random times, as the store would have them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.drafts: list[dict[str, Any]] = []
        self.displays: list[dict[str, Any]] = []

    def write(self, owner: psycopg.Connection[Any], pharmacy_id: str, drafts: int) -> None:
        """Add so many drafts of one pharmacy, with what became of them."""
        for number in range(drafts):
            conversation_id = f"c-{number}"
            row = {"pharmacy_id": pharmacy_id, "id": conversation_id, "patient_id": f"p-{number}"}
            _insert(owner, "conversations", row | {"channel": "api", "phase": "intake"})
            self._draft(owner, pharmacy_id, conversation_id)

    def _draft(self, owner: psycopg.Connection[Any], pharmacy_id: str, conversation_id: str) -> None:
        pick, suggestion_id = self.chance.choice, uuid4()
        state = pick((*DECIDED, *DECIDED, "superseded", "superseded", "automatic"))
        written = self._moment()
        decided = written + timedelta(seconds=self.chance.randrange(30, 40_000))
        category = pick(("order_delivery", "follow_up", "product_usage", None))
        models = pick(
            ({f"generate_{category}": "luna", "judge": "sol"}, {f"generate_{category}": "local"}, {}, "hostile")
        )
        kept: dict[str, Any] = {"approved": {"outbox_id": "x"}, "edited": {"text": self._edited()},
                                "regenerated": {"instruction": ""}, "rejected": {"code": pick(CODES)}}  # fmt: skip
        decision = kept.get(state, pick((None, {"code": "replied"})))
        by = {"superseded": "newer message", "automatic": None}.get(state, pick(PEOPLE))
        row = {"id": suggestion_id, "pharmacy_id": pharmacy_id, "conversation_id": conversation_id, "run_id": uuid4(),
               "version": 1, "state": state, "requested": False, "category": category, "phase": "intake", "text": WORDS,
               "body": Jsonb({"models": models}), "decided_by": by, "decision": Jsonb(decision), "created_at": written,
               "decided_at": None if state == "automatic" else decided}  # fmt: skip
        _insert(owner, "suggestions", row)
        self.drafts.append(row | {"models": models, "decision": decision})
        for person in self.chance.sample(PEOPLE, self.chance.randrange(4)):
            # Some look only after it was decided, and some long before the days that are asked for.
            at = written + timedelta(seconds=self.chance.randrange(50_000)) - timedelta(days=pick((0, 0, 0, 3)))
            shown = {"pharmacy_id": pharmacy_id, "suggestion_id": suggestion_id, "shown_to": person,
                     "conversation_id": conversation_id, "at": at}  # fmt: skip
            _insert(owner, "displays", shown)
            self.displays.append(shown)

    def _moment(self) -> datetime:
        """Return a time in or near the days, often right at the border between two days in Japan."""
        day = datetime.combine(FIRST, datetime.min.time(), JAPAN) + timedelta(days=self.chance.randrange(-3, 16))
        return (day + timedelta(seconds=self.chance.choice((-1, 0, 1, self.chance.randrange(86_400))))).astimezone(UTC)

    def _edited(self) -> str:
        letters = list(WORDS)
        for _ in range(self.chance.randrange(6)):
            letters.insert(self.chance.randrange(len(letters)), self.chance.choice("薬剤師が説明します"))
        return "".join(letters[self.chance.randrange(5) :])


@pytest.mark.parametrize("whose", ["own", "pharmacy"])
async def test_the_numbers_are_a_count_over_the_rows(
    own_shop: Shop, owner: psycopg.Connection[Any], whose: str
) -> None:
    history = History(seed=7)
    history.write(owner, own_shop.program.settings.pharmacy_id, 400)
    History(seed=8).write(owner, "elsewhere", 100)
    headers = {"Authorization": f"Bearer {await _key_of(own_shop, 'tanaka')}"}

    asked = {"whose": whose, "from": FIRST.isoformat(), "to": LAST.isoformat()}
    answer = (await own_shop.stranger.get("/v1/numbers", params=asked, headers=headers)).json()

    who = PEOPLE[0] if whose == "own" else None
    _same(answer["total"], _counted(history, who, lambda row, day: True))
    assert answer["total"]["decisions"] > 50
    assert answer["total"]["superseded"] > 5
    for entry in answer["by_category"]:
        _same(entry, _counted(history, who, lambda row, day, of=entry: row["category"] == of["category"]))
    for entry in answer["by_model"]:
        _same(entry, _counted(history, who, lambda row, day, of=entry: _model(row) == of["model"]))
    for entry in answer["by_day"]:
        _same(entry, _counted(history, who, lambda row, day, of=entry: day.isoformat() == of["day"]))
    for way in ("category", "model", "day"):
        assert sum(entry["decisions"] for entry in answer[f"by_{way}"]) == answer["total"]["decisions"]
        assert sum(entry["displayed"] for entry in answer[f"by_{way}"]) == answer["total"]["displayed"]
    assert {entry["category"] for entry in answer["by_category"]} == {
        "order_delivery",
        "follow_up",
        "product_usage",
        None,
    }
    assert {entry["model"] for entry in answer["by_model"]} == {"luna", "local", None}
    assert len(answer["by_day"]) == 12


async def test_what_is_displayed_and_decided_over_http_is_counted_once(own_shop: Shop) -> None:
    first, second, third = [await _drafted(own_shop) for _ in range(3)]
    for suggestion in (first, second, third):
        shown = [await own_shop.post(f"/v1/suggestions/{suggestion}/displayed") for _ in range(2)]
        assert (
            shown[0].json() == shown[1].json() == {"suggestion_id": suggestion, "shown_at": shown[0].json()["shown_at"]}
        )

    await own_shop.post(f"/v1/suggestions/{first}/approve", {"version": 1})
    draft = (await own_shop.suggestion(second))["text"]
    await own_shop.post(f"/v1/suggestions/{second}/edit", {"version": 1, "text": f"{draft}どうぞ。"})
    await own_shop.post(f"/v1/suggestions/{third}/reject", {"version": 1, "reason": "tone"})

    told = (await own_shop.http.get("/v1/numbers")).json()["total"]
    audited = Counter(
        row.action for row in await own_shop.rows("SELECT action FROM audit WHERE action ~ '^suggestion_'")
    )
    assert {name: told[name] for name in ("displayed", "approved", "edited", "rejected", "superseded")} == {
        "displayed": 3, "approved": 1, "edited": 1, "rejected": 1, "superseded": 0}  # fmt: skip
    assert audited == {"suggestion_approved": 1, "suggestion_edited": 1, "suggestion_rejected": 1}
    assert (told["refused_for"], told["edit_distance"]["median"]) == ({"tone": 1}, 4)
    assert told["seconds_to_decision"]["n"] == 3
    assert 0 < told["seconds_to_decision"]["median"] < 60


async def test_noting_a_display_waits_for_no_conversation_and_wakes_nobody(own_shop: Shop) -> None:
    suggestion = await _drafted(own_shop)
    before = (await own_shop.suggestion(suggestion))["shown_at"]
    pharmacy_id = own_shop.program.settings.pharmacy_id
    async with (
        own_shop.program.notices.subscribe("conversation", pharmacy_id) as news,
        own_shop.program.database.begin(pharmacy_id) as tx,
    ):
        await tx.exec_driver_sql("SELECT id FROM conversations FOR UPDATE")

        answer = await own_shop.post(f"/v1/suggestions/{suggestion}/displayed")

        assert answer.status_code == 200
        assert not await news.wait(0.5)
    shown_at = (await own_shop.suggestion(suggestion))["shown_at"]
    assert (before, shown_at) == (None, datetime.fromisoformat(answer.json()["shown_at"]).isoformat())


async def test_a_foreign_draft_and_one_that_is_none_are_alike(own_shop: Shop) -> None:
    suggestion = await _drafted(own_shop)

    answers = [
        await own_shop.foreign.post(f"/v1/suggestions/{suggestion}/displayed"),
        await own_shop.post(f"/v1/suggestions/{uuid4()}/displayed"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert await own_shop.rows("SELECT 1 FROM displays") == []


async def test_what_is_counted_of_an_erased_patient_goes_with_them(own_shop: Shop) -> None:
    conversation_id = new_id()
    told = await own_shop.say(conversation_id, "配送の件です", patient={"id": "p-gone"})
    kept = await _drafted(own_shop)
    for suggestion in (told["suggestion_id"], kept):
        await own_shop.post(f"/v1/suggestions/{suggestion}/displayed")
        await own_shop.post(f"/v1/suggestions/{suggestion}/approve", {"version": 1})
    pharmacy_id = own_shop.program.settings.pharmacy_id

    await erasure.erase(own_shop.program.database, pharmacy_id, "p-gone", "test")

    total = (await own_shop.http.get("/v1/numbers")).json()["total"]
    assert (total["displayed"], total["approved"]) == (1, 1)
    assert [row.suggestion_id for row in await own_shop.rows("SELECT suggestion_id FROM displays")] == [UUID(kept)]


async def test_nothing_is_no_share_and_no_time(own_shop: Shop) -> None:
    told = (await own_shop.http.get("/v1/numbers", params={"days": 7})).json()

    nothing = {"n": 0, "median": None, "p90": None}
    assert told["total"]["shares"] == dict.fromkeys(DECIDED)
    assert (told["total"]["seconds_to_decision"], told["total"]["edit_distance"]) == (
        nothing, nothing | {"median_share": None})  # fmt: skip
    assert (len(told["by_day"]), told["by_category"], told["by_model"]) == (7, [], [])


@pytest.mark.parametrize("asked", [{"from": "2026-09-02", "to": "2026-09-01"}, {"from": "2020-01-01"}, {"days": 0},
                                   {"days": 367}, {"from": "yesterday"}, {"whose": "sato"}])  # fmt: skip
async def test_days_that_make_no_sense_are_refused(shop: Shop, asked: dict[str, Any]) -> None:
    assert (await shop.http.get("/v1/numbers", params=asked)).status_code == 422


async def test_a_day_of_japan_begins_at_fifteen_oclock_of_the_day_before(own_shop: Shop) -> None:
    asked = Asked("sakura", date(2026, 9, 2), date(2026, 9, 2))

    assert asked.begins.astimezone(UTC) == datetime(2026, 9, 1, 15, tzinfo=UTC)
    assert asked.ends.astimezone(UTC) == datetime(2026, 9, 2, 15, tzinfo=UTC)
    async with own_shop.program.database.begin("sakura") as tx:
        assert len(await count(tx, asked)) == 1


def _counted(history: History, who: str | None, takes: Any) -> dict[str, Any]:
    """Count by looking at every row, the plain way."""
    by_draft: dict[UUID, dict[str, datetime]] = {}
    for display in history.displays:
        by_draft.setdefault(display["suggestion_id"], {})[display["shown_to"]] = display["at"]
    figures: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    seconds: list[float] = []
    edits: list[tuple[int, float]] = []
    for row in history.drafts:
        shown = by_draft.get(row["id"], {})
        seen = [at for person, at in shown.items() if who in (None, person)]
        if seen and _within(min(seen)) and takes(row, _day(min(seen))):
            figures["displayed"] += 1
        if row["decided_at"] is None or not _within(row["decided_at"]) or not takes(row, _day(row["decided_at"])):
            continue
        if row["state"] == "superseded":
            figures["superseded"] += any(at <= row["decided_at"] for at in seen)
        elif who in (None, row["decided_by"]):
            figures[row["state"]] += 1
            if row["state"] == "rejected":
                codes[row["decision"]["code"]] += 1
            if row["state"] == "edited":
                far = _distance(row["text"], row["decision"]["text"])
                edits.append((far, far / max(len(row["text"]), len(row["decision"]["text"]))))
            looked = shown.get(row["decided_by"])
            if looked is not None and looked <= row["decided_at"]:
                seconds.append((row["decided_at"] - looked).total_seconds())
    return {"figures": figures, "codes": codes, "seconds": seconds, "edits": edits}


def _same(told: dict[str, Any], counted: dict[str, Any]) -> None:
    figures = counted["figures"]
    assert {name: told[name] for name in ("displayed", "superseded", *DECIDED)} == {
        name: figures[name] for name in ("displayed", "superseded", *DECIDED)
    }
    decisions = sum(figures[name] for name in DECIDED)
    assert (told["decisions"], told["refused_for"]) == (decisions, dict(counted["codes"]))
    for name in DECIDED:
        assert (told["shares"][name] is None) == (decisions == 0)
        if decisions:
            interval = binomtest(figures[name], decisions).proportion_ci(method="wilson")
            share = {"share": figures[name] / decisions, "low": interval.low, "high": interval.high}
            assert told["shares"][name] == pytest.approx(share, abs=1e-4)
    assert told["seconds_to_decision"] == pytest.approx(_spread(counted["seconds"]))
    chars = _spread([chars for chars, _ in counted["edits"]])
    share = _spread([share for _, share in counted["edits"]])["median"]
    assert told["edit_distance"] == pytest.approx(chars | {"median_share": share})


def _spread(values: Sequence[float]) -> dict[str, Any]:
    if len(values) < 2:
        return {"n": len(values)} | dict.fromkeys(("median", "p90"), values[0] if values else None)
    cuts = quantiles(values, n=10, method="inclusive")
    return {"n": len(values), "median": cuts[4], "p90": cuts[8]}


@cache
def _distance(one: str, other: str) -> int:
    if not one or not other:
        return len(one) + len(other)
    swap = _distance(one[:-1], other[:-1]) + (one[-1] != other[-1])
    return min(swap, _distance(one[:-1], other) + 1, _distance(one, other[:-1]) + 1)


def _model(row: dict[str, Any]) -> str | None:
    named = row["models"] if isinstance(row["models"], dict) else {}
    return named.get(f"generate_{row['category']}") if row["category"] else None


def _day(at: datetime) -> date:
    return at.astimezone(JAPAN).date()


def _within(at: datetime) -> bool:
    return FIRST <= _day(at) <= LAST


def _insert(owner: psycopg.Connection[Any], table: str, row: dict[str, Any]) -> None:
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    owner.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(row.values()))


async def _drafted(shop: Shop) -> str:
    return (await shop.say(new_id(), "配送の件です"))["suggestion_id"]


async def _key_of(shop: Shop, name: str) -> str:
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        return await access.create_key(tx, pharmacy_id, name, "test", None, EVERY_RIGHT)
