"""A made-up month before the demo's day, so that the page of figures has something to show: the same each time."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.usage import Usage

DAYS = 30
TEACHER = "openai:gpt-4o-2024-08-06"
STUDENT = "openai:ft:gpt-4o-mini-2024-07-18:sample::{node}01"
STUDENT_SINCE = {"classify": 10, "switch_phase": 10, "judge": 19, "generate_order_delivery": 24}
"""Node to the day from which its student answers; the rest stay with their teacher."""

OTHER_WORDS_SINCE = 15
"""The day from which prompts have other words."""

ALONE_SINCE = {"order_delivery": 5, "product_usage": 17, "follow_up": 22}
"""Category to the day from which its replies go out by themselves."""

CATEGORIES = {"order_delivery": 5, "product_usage": 3, "follow_up": 2, "symptom_consultation": 2}
"""Category to how often it comes."""

TOKENS = {"classify": (1_900, 60), "switch_phase": (2_100, 60), "generate": (3_400, 320), "judge": (3_900, 380)}
"""Node to about how many tokens it reads and writes."""

TEXT = "（見本のデータです）"

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def month(today: datetime) -> Rows:
    """Return the rows of the month that ended with the day before `today`, by table."""
    return _Month(today).rows


class _Month:
    def __init__(self, today: datetime) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._chance = random.Random(20)  # noqa: S311 (nothing secret is made from it)
        self._prices = Prices()
        japan = today.astimezone(ZoneInfo("Asia/Tokyo"))
        self._begins = datetime.combine(japan.date() - timedelta(days=DAYS), time(9), japan.tzinfo).astimezone(UTC)
        for day in range(DAYS):
            for number in range(self._chance.randrange(9, 17) + day // 5):
                self._conversation(day, number)

    def _conversation(self, day: int, number: int) -> None:
        chance, at = self._chance, self._begins + timedelta(days=day, seconds=self._chance.randrange(43_000))
        name, category = f"sample-{day + 1:02}-{number + 1:02}", self._category()
        profile: dict[str, Any] = {"name": f"見本 {day + 1}-{number + 1}", "consent": {"replies": True}}
        if chance.random() < 0.4:
            order = {"id": f"S-{day}{number:02}", "product": "葛根湯", "state": "お届け済み"}
            profile["orders"] = [
                order | {"ordered_on": at.date().isoformat() if chance.random() < 0.45 else "2020-01-01"}
            ]
        if chance.random() < 0.2:
            profile["ratings"] = [{"on": at.date().isoformat(), "mark": chance.choice((3, 4, 4, 5, 5))}]
        self.rows["patients"].append({"id": name, "profile": profile})
        last, turns = at, chance.choice((1, 1, 2, 3))
        for turn in range(turns):
            last = self._message(day, (name, category, turn), last) + timedelta(minutes=chance.randrange(2, 50))
        self.rows["conversations"].append(
            {"id": name, "patient_id": name, "channel": "api", "phase": "intake", "category": category,
             "version": 2 * turns, "last_message_at": last, "created_at": at}
        )  # fmt: skip

    def _category(self) -> str:
        return self._chance.choices([*CATEGORIES], weights=[*CATEGORIES.values()])[0]

    def _message(self, day: int, of: tuple[str, str, int], at: datetime) -> datetime:
        """Add a message, its run and its reply; return when the reply went out."""
        name, category, turn = of
        chance = self._chance
        run_id, outcome_id, suggestion_id = self._id(), self._id(), self._id()
        drafts = chance.choices((1, 2, 3), weights=(80, 15, 5))[0]
        held = category == "symptom_consultation" and chance.random() < 0.4
        alone = not held and day >= ALONE_SINCE.get(category, DAYS) and chance.random() < 0.93
        kind = "handover" if held else "auto_sent" if alone else "suggestion"
        body: dict[str, Any] = {"category": category, "drafts": drafts}
        if held:
            body["reason"] = {"code": "drafts_used_up", "detail": ""}
        self.rows["outcomes"].append(
            {"id": outcome_id, "conversation_id": name, "version": 2 * turn + 1, "run_id": run_id, "kind": kind,
             "suggestion_id": None if held else suggestion_id, "body": body, "created_at": at}
        )  # fmt: skip
        for node in ("classify", "switch_phase", *(f"generate_{category}", "judge") * drafts):
            self._call(day, node, name, run_id, at)
        took = chance.lognormvariate(1.9, 0.35) if alone else chance.lognormvariate(6.4, 0.9)
        sent = at + timedelta(seconds=took)
        if not held:
            self._draft(day, (suggestion_id, run_id), of, sent, alone=alone)
        self._say(name, turn, "patient", at, outcome_id)
        self._say(name, turn, "machine" if alone else "pharmacist", sent, None)
        return sent

    def _draft(self, day: int, ids: tuple[UUID, UUID], of: tuple[str, str, int], at: datetime, *, alone: bool) -> None:
        (suggestion_id, run_id), (name, category, turn) = ids, of
        state = self._chance.choices(("approved", "edited", "rejected"), weights=(70, 22, 8))[0]
        model = _model(day, f"generate_{category}").partition(":")[2]
        self.rows["suggestions"].append(
            {"id": suggestion_id, "conversation_id": name, "run_id": run_id, "version": 2 * turn + 1,
             "state": "automatic" if alone else state, "requested": False, "category": category, "phase": "intake",
             "text": TEXT, "body": {"models": {f"generate_{category}": model}, "trail": [], "earlier_drafts": []},
             "decided_by": None if alone else "session:見本", "decision": {} if alone else {"text": TEXT},
             "created_at": at, "decided_at": None if alone else at}
        )  # fmt: skip

    def _call(self, day: int, node: str, name: str, run_id: UUID, at: datetime) -> None:
        read, wrote = TOKENS[node.partition("_")[0] if node.startswith("generate") else node]
        usage = Usage(
            round(read * self._chance.uniform(0.8, 1.3)), read // 3, round(wrote * self._chance.uniform(0.7, 1.4))
        )
        model = _model(day, node)
        self.rows["model_calls"].append(
            {"conversation_id": name, "run_id": run_id, "node": node, "prompt_file": f"{node}/system",
             "prompt_fingerprint": "sample-words" + ("-2" if day >= OTHER_WORDS_SINCE else "-1"), "blanks": {},
             "model_asked": model, "model_served": None, "output": None, "prompt_tokens": usage.prompt_tokens,
             "cached_tokens": usage.cached_tokens, "completion_tokens": usage.completion_tokens,
             "tokens_estimated": False, "cost_usd": self._prices.cost_usd(ModelRef.read(model), None, usage),
             "seconds": 1.0, "attempt": 1, "error": None, "started_at": at}
        )  # fmt: skip

    def _say(self, name: str, turn: int, author: str, at: datetime, outcome_id: UUID | None) -> None:
        ours = author != "patient"
        self.rows["messages"].append(
            {"id": f"{name}-{turn}{'r' if ours else ''}", "conversation_id": name, "version": 2 * turn + 1 + ours,
             "author": author, "text": TEXT, "sent_by": "session:見本" if author == "pharmacist" else None,
             "outcome_id": outcome_id, "sent_at": at, "received_at": at, "order_at": at}
        )  # fmt: skip

    def _id(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)


def _model(day: int, node: str) -> str:
    return STUDENT.format(node=node) if day >= STUDENT_SINCE.get(node, DAYS) else TEACHER
