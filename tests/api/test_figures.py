"""The figures are a count over the calls, messages, outcomes and decisions as they lie in the store."""

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pharmacy.domain.rights import MAY, Role
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.usage import Usage
from pharmacy.storage import access
from tests.api.commands import kakari
from tests.api.shop import Shop

JAPAN = ZoneInfo("Asia/Tokyo")
FIRST, LAST = date(2026, 9, 1), date(2026, 9, 12)
ASKED = {"from": FIRST.isoformat(), "to": LAST.isoformat()}
TEACHER, STUDENT, UNKNOWN = "openai:gpt-4o-2024-08-06", "openai:ft:gpt-4o-mini-2024-07-18:x::1", "other:model"
CATEGORIES = ("order_delivery", "follow_up", None)
Row = dict[str, Any]


class Records:
    """Conversations at random times, as the store would have them after a while."""

    def __init__(self, owner: psycopg.Connection[Any], pharmacy_id: str, seed: int) -> None:
        self.owner, self.pharmacy_id, self.chance = owner, pharmacy_id, random.Random(seed)
        self.calls: list[Row] = []
        self.messages: list[Row] = []
        self.outcomes: list[Row] = []
        self.drafts: list[Row] = []

    def write(self, conversations: int) -> None:
        """Add so many conversations, with everything that belongs to them."""
        for number in range(conversations):
            at = self._begin()
            profile: Row = {"orders": [{"id": "a", "product": "x", "state": "y", "ordered_on": "2026-09-05"}]}
            if number % 3 == 0:
                profile = {"ratings": [{"on": "2026-09-12", "mark": 4}, {"on": "2026-09-13", "mark": 1}]}
            self._insert("patients", id=f"p-{number}", profile=Jsonb(profile))
            self._insert("conversations", id=f"c-{number}", patient_id=f"p-{number}", channel="api", phase="intake")
            for _ in range(self.chance.randrange(1, 5)):
                at = self._message(f"c-{number}", at)

    def _begin(self) -> datetime:
        """Return a time in or near the days, often right at the border between two of them in Japan."""
        day = datetime.combine(FIRST, datetime.min.time(), JAPAN) + timedelta(days=self.chance.randrange(-2, 14))
        return (day + timedelta(seconds=self.chance.choice((-1, 0, 1, self.chance.randrange(86_400))))).astimezone(UTC)

    def _message(self, conversation_id: str, at: datetime) -> datetime:
        """Add a patient's message with its run, and perhaps what was sent; return when the next one may come."""
        pick, run_id, outcome_id = self.chance.choice, uuid4(), uuid4()
        category, drafts = pick(CATEGORIES), pick((0, 1, 2, 3))
        kind = pick(("suggestion", "auto_sent", "handover")) if drafts else "handover"
        body: Row = {"category": category, "drafts": drafts}
        if kind == "handover":
            body["reason"] = {"code": pick(("drafts_used_up", "triage"))}
        self.outcomes.append(
            self._insert("outcomes", id=outcome_id, conversation_id=conversation_id, version=1, run_id=run_id,
                         kind=kind, body=Jsonb(body), created_at=at) | {"body": body}
        )  # fmt: skip
        for node in ("classify", "judge", "judge"):
            self._call(conversation_id, run_id, node, category, at + timedelta(seconds=self.chance.random()))
        self._say(conversation_id, "patient", at, outcome_id=outcome_id, category=category)
        sent = at + timedelta(seconds=pick((3, 40, 90_000, 8 * 86_400)))
        if (who := pick(("machine", "pharmacist", "fixed", None))) is not None:
            self._say(conversation_id, who, sent)
        if kind == "suggestion":
            state = pick(("approved", "edited", "rejected", "superseded"))
            self.drafts.append(
                self._insert("suggestions", id=uuid4(), conversation_id=conversation_id, run_id=run_id, version=1,
                             state=state, requested=False, category=category, phase="intake", text="x",
                             body=Jsonb({}), decided_by="key:t", decided_at=sent)
            )  # fmt: skip
        return sent + timedelta(seconds=pick((5, 86_400)))

    def _call(self, conversation_id: str, run_id: Any, node: str, category: str | None, at: datetime) -> None:
        model = self.chance.choice((TEACHER, STUDENT, STUDENT, UNKNOWN if node == "judge" else STUDENT))
        tokens = self.chance.randrange(100, 3_000)
        row = self._insert(
            "model_calls", conversation_id=conversation_id, run_id=run_id, node=node, prompt_file="x",
            prompt_fingerprint="a" if at.astimezone(JAPAN).date() < date(2026, 9, 6) else "b", blanks=Jsonb({}),
            model_asked=model, prompt_tokens=tokens, cached_tokens=tokens // 2, completion_tokens=tokens // 9,
            tokens_estimated=False, cost_usd=None if model == UNKNOWN else tokens / 7e5, seconds=1.0, attempt=1,
            started_at=at,
        )  # fmt: skip
        self.calls.append(row | {"category": category})

    def _say(self, conversation_id: str, author: str, at: datetime, **more: Any) -> None:
        known = {"outcome_id": more["outcome_id"]} if more else {}
        row = self._insert(
            "messages", id=str(uuid4()), conversation_id=conversation_id, version=1, text="x", sent_at=at,
            author="machine" if author == "fixed" else author, kind="fixed" if author == "fixed" else "text",
            received_at=at, order_at=at, **known,
        )  # fmt: skip
        self.messages.append(row | more)

    def _insert(self, table: str, **row: Any) -> Row:
        row["pharmacy_id"] = self.pharmacy_id
        names, places = ", ".join(row), ", ".join(["%s"] * len(row))
        self.owner.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(row.values()))
        return row


async def test_the_figures_are_a_count_over_the_records(own_shop: Shop, owner: psycopg.Connection[Any]) -> None:
    with owner.transaction():
        records = Records(owner, own_shop.program.settings.pharmacy_id, seed=11)
        records.write(150)
        Records(owner, "elsewhere", seed=12).write(10)

    found = (await own_shop.http.get("/v1/figures", params=ASKED)).json()

    _same(found["total"], records, lambda row, day: True)
    for one in found["by_day"]:
        _same(one, records, _on_day(one["day"]))
    for one in found["by_category"]:
        _same(one, records, _of_category(one["category"]))
    assert {one["category"] for one in found["by_category"]} == {*CATEGORIES}
    for name, way in (("node", "node"), ("model_asked", "model")):
        counted = Counter(row[name] for row in records.calls if _within(row["started_at"]))
        assert {one[way]: one["calls"] for one in found[f"by_{way}"]} == counted
    assert found["total"]["calls"]["unpriced_calls"] > 20
    _same_savings(own_shop, found, records)
    _same_drafts(found, records)
    assert [(one["day"], one["to"]) for one in found["changes"] if one["what"] == "prompt"] == [("2026-09-06", "b")] * 2
    _same_returns(found["returned"], records)


async def test_the_command_prints_what_the_call_answers(own_shop: Shop, owner: psycopg.Connection[Any]) -> None:
    with owner.transaction():
        Records(owner, own_shop.program.settings.pharmacy_id, seed=11).write(10)
    days = ("--from", ASKED["from"], "--to", ASKED["to"])

    told, read = await kakari(own_shop, "figures", *days, "--json"), await kakari(own_shop, "figures", *days)

    assert json.loads(told.stdout) == (await own_shop.http.get("/v1/figures", params=ASKED)).json()
    assert "calls without a price" in read.stdout
    for node in json.loads(told.stdout)["by_node"]:
        cached, of = node["cached_tokens"], node["prompt_tokens"]
        assert node["cached_share"] == pytest.approx(cached / of)
        assert f"from the provider's cache {cached / of:.1%} ({cached} of {of} tokens read)" in read.stdout
    assert "stated on 2026-11-22 (an assumption)" in read.stdout


@pytest.mark.parametrize("role", Role)
async def test_money_is_for_those_who_may_see_what_models_cost(shop: Shop, role: Role) -> None:
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        key = await access.create_key(tx, pharmacy_id, f"figures-{role}", "test", None, MAY[role])

    answer = await shop.stranger.get("/v1/figures", headers={"Authorization": f"Bearer {key}"})

    expected = 200 if role in (Role.LEAD, Role.ENGINEER, Role.ADMIN) else 403
    assert answer.status_code == expected, answer.text


def _on_day(wanted: str) -> Callable[[Row, date], bool]:
    return lambda row, day: day.isoformat() == wanted


def _of_category(wanted: str | None) -> Callable[[Row, date], bool]:
    return lambda row, day: row.get("category") == wanted


def _within(at: datetime) -> bool:
    return FIRST <= at.astimezone(JAPAN).date() <= LAST


def _same(told: Row, records: Records, wanted: Callable[[Row, date], bool]) -> None:
    def of(rows: list[Row], at: str) -> list[Row]:
        return [row for row in rows if _within(row[at]) and wanted(row, row[at].astimezone(JAPAN).date())]

    calls, asked = of(records.calls, "started_at"), told["calls"]
    priced = [row["cost_usd"] for row in calls if row["cost_usd"] is not None]
    assert (asked["calls"], asked["unpriced_calls"]) == (len(calls), len(calls) - len(priced))
    assert asked["priced_usd"] == pytest.approx(sum(priced))
    assert asked["cost_usd"] == (pytest.approx(sum(priced)) if len(priced) == len(calls) else None)
    assert asked["prompt_tokens"] == sum(row["prompt_tokens"] for row in calls)
    patients = [row for row in of(records.messages, "received_at") if row["author"] == "patient"]
    replies = [_reply(row, records) for row in patients]
    said = told["messages"]
    assert said["messages"] == len(patients)
    for who, name in (("machine", "by_machine"), ("pharmacist", "by_pharmacist")):
        took = [seconds for author, seconds in replies if author == who]
        assert said[name] == len(took)
        assert said[f"seconds_{who}"]["median"] == (pytest.approx(median(took)) if took else None)
    decided = [row for row in of(records.drafts, "decided_at") if row["state"] != "superseded"]
    for name, state in (("accepted", "approved"), ("edited", "edited")):
        share = told["drafts"][name]
        assert (share["hits"], share["of"]) == (sum(row["state"] == state for row in decided), len(decided))


def _reply(message: Row, records: Records) -> tuple[str | None, float]:
    """Return who first replied to a message, and after how many seconds; nobody after a week."""
    later = [
        row for row in records.messages
        if row["conversation_id"] == message["conversation_id"] and row["author"] != "patient"
        and row["kind"] != "fixed" and row["order_at"] > message["order_at"]
        and row["sent_at"] - message["received_at"] < timedelta(days=7)
    ]  # fmt: skip
    first = min(later, key=lambda row: row["sent_at"], default=None)
    return (
        (None, 0.0) if first is None else (first["author"], (first["sent_at"] - message["received_at"]).total_seconds())
    )


def _same_savings(shop: Shop, found: Row, records: Records) -> None:
    prices = Prices(shop.program.assembled.registry.tables.prices)
    (saved,) = (one["saved"] for one in found["by_node"] if one["node"] == "classify")
    calls = [row for row in records.calls if row["node"] == "classify" and _within(row["started_at"])]
    each = [Usage(row["prompt_tokens"], row["cached_tokens"], row["completion_tokens"]) for row in calls]
    teacher = sum(prices.cost_usd(ModelRef.read(TEACHER), None, usage) or 0.0 for usage in each)
    assert saved["teacher_usd"] == pytest.approx(teacher)
    assert saved["saved_usd"] == pytest.approx(teacher - sum(row["cost_usd"] for row in calls))
    assert found["saved"]["saved_usd"] is None  # the judge was asked of a model without a price


def _same_drafts(found: Row, records: Records) -> None:
    tried, cleared = Counter[int](), Counter[int]()
    for row in records.outcomes:
        of, ended = row["body"]["drafts"], row["body"].get("reason", {}).get("code")
        if _within(row["created_at"]):
            tried.update(range(1, of + (ended != "triage")) if of else ())
            cleared.update([of] if ended is None else [])
    assert {one["number"]: (one["hits"], one["of"]) for one in found["drafts_by_number"]} == {
        number: (cleared[number], tried[number]) for number in sorted(tried)
    }


def _same_returns(returned: Row, records: Records) -> None:
    ours = [row for row in records.messages if row["author"] != "patient" and row["kind"] != "fixed"]
    ours = [row for row in ours if _within(row["received_at"])]
    again = [
        row for row in ours
        if any(other["author"] == "patient" and other["conversation_id"] == row["conversation_id"]
               and timedelta() < other["received_at"] - row["sent_at"] < timedelta(days=7)
               for other in records.messages)
    ]  # fmt: skip
    wrote = {
        int(row["conversation_id"][2:]) for row in records.messages
        if row["author"] == "patient" and _within(row["received_at"])
    }  # fmt: skip
    buyers, raters = sum(one % 3 != 0 for one in wrote), sum(one % 3 == 0 for one in wrote)
    assert (returned["reply_rate"]["hits"], returned["reply_rate"]["of"]) == (len(again), len(ours))
    assert (returned["purchase_rate"]["hits"], returned["purchase_rate"]["of"]) == (buyers, buyers)
    assert (returned["ratings"], returned["satisfaction"]) == (raters, 4.0)
