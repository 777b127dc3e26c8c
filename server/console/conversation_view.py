"""What a pharmacist sees of one conversation: its words, the draft with why it was held, and how it came about."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from pharmacy.domain.flow import Flow
from pharmacy.storage import notes, people, reading
from pharmacy.storage.database import Transaction
from pharmacy.storage.overview import overview
from pharmacy.storage.refusals import NotHere
from server.console.held_because import Because
from server.console.languages import JAPAN, Language


@dataclass(frozen=True)
class Mark:
    """One criterion as the judge saw it."""

    name: str
    label: str
    mark: int
    bar: int
    reason: str

    @property
    def clears(self) -> bool:
        """Whether it reaches its bar."""
        return self.mark >= self.bar


@dataclass(frozen=True)
class Passage:
    """One node's part in a draft: what it said, and every model that it asked."""

    node: str
    says: str
    seconds: float
    calls: tuple[dict[str, Any], ...]
    """Every try of its models, in their order; several where one failed and was repeated."""


@dataclass(frozen=True)
class Seen:
    """Everything that the conversation's page shows."""

    conversation: dict[str, Any]
    days: list[tuple[datetime, list[dict[str, Any]]]]
    """Messages and private notes by the day in Japan, in the order in which they came."""

    patient: dict[str, Any]
    name: str
    suggestion: dict[str, Any] | None
    refused: dict[str, Any] | None
    """The draft that somebody refused, while the patient still waits for what a person writes instead."""

    marks: list[Mark]
    trail: list[Passage]
    held: list[str]
    """Why a person has to look, the most pressing first, in whole sentences."""

    beside: dict[str, Any]
    """How the conversation has moved, what is open with its patient, when both sides last wrote."""

    @property
    def snoozed_until(self) -> datetime | None:
        """Until when it is set aside; None where that is over, too."""
        until = self.conversation["snoozed_until"]
        at = datetime.fromisoformat(until) if until else None
        return at if at and at > datetime.now(UTC) else None

    @property
    def open_item(self) -> str:
        """What there is to decide: another one is another draft or case."""
        case = self.conversation["handover"]
        return str(self.suggestion["id"] if self.suggestion else case["id"] if case else "")


async def see(tx: Transaction, pharmacy_id: str, conversation_id: str, flow: Flow, language: Language) -> Seen:
    """Return what is to be seen of the conversation.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    conversation = await reading.one_conversation(tx, pharmacy_id, conversation_id)
    suggestion = conversation["suggestion"]
    if suggestion is not None:
        suggestion |= {"calls": await reading.calls_of(tx, pharmacy_id, UUID(suggestion["run_id"]))}
    refused = None
    if suggestion is None and conversation["handover"] is not None:
        refused = await reading.last_refused(tx, pharmacy_id, conversation_id, conversation["version"])
    try:
        patient = await people.patient_profile(tx, pharmacy_id, conversation["patient_id"])
    except NotHere:
        patient = {}
    judgement = suggestion["judgement"] if suggestion else {}
    heard = [message["text"] for message in conversation["messages"] if message["author"] == "patient"]
    because = Because(language, flow, heard)
    return Seen(
        conversation=conversation,
        days=_by_day(conversation["messages"], await notes.last_notes(tx, pharmacy_id, conversation_id)),
        patient=patient,
        name=str(patient.get("name") or conversation["patient_id"]),
        suggestion=suggestion,
        refused=refused,
        marks=marks_of(judgement, flow),
        trail=_trail(suggestion) if suggestion else [],
        held=_held(conversation["handover"], suggestion, because),
        beside=_beside(await overview(tx, pharmacy_id, conversation_id), conversation_id, because),
    )


def marks_of(judgement: dict[str, Any], flow: Flow) -> list[Mark]:
    """Return the judge's marks in the flow file's order; a criterion that the flow no longer has comes last."""
    order = [*flow.criteria, *(name for name in judgement if name not in flow.criteria)]
    labels = {name: criterion.label for name, criterion in flow.criteria.items()}
    return [Mark(name, labels.get(name, name), **judgement[name]) for name in order if name in judgement]


def _by_day(
    messages: Sequence[dict[str, Any]], notes: Sequence[dict[str, Any]]
) -> list[tuple[datetime, list[dict[str, Any]]]]:
    found: list[dict[str, Any]] = []
    left = [_timed(note, "written_at") | {"author": "note"} for note in notes]
    for message in messages:
        came = datetime.fromisoformat(message["received_at"])
        while left and left[0]["at"] < came:
            found.append(left.pop(0))
        found.append(_timed(message, "sent_at"))
    days = groupby([*found, *left], key=lambda each: each["at"].astimezone(JAPAN).date())
    return [(of_day[0]["at"], of_day) for of_day in ([*each] for _, each in days)]


def _timed(row: dict[str, Any], by: str) -> dict[str, Any]:
    return row | {"at": datetime.fromisoformat(row[by])}


def _beside(found: dict[str, Any], conversation_id: str, because: Because) -> dict[str, Any]:
    """Return the overview with its times read, and what each case is about as a sentence."""
    contacts = [
        each | {name: datetime.fromisoformat(each[name]) for name in ("patient_wrote_at", "answered_at") if each[name]}
        for each in found["contacts"]
    ]
    # What the patient wrote in another conversation is not at hand here, and is not quoted.
    elsewhere = replace(because, heard=())
    cases = [
        _timed(case, "opened_at")
        | {"said": (because if case["conversation_id"] == conversation_id else elsewhere).case(case["reasons"])[0]}
        for case in found["cases"]
    ]
    moves = [_timed(move, "at") for move in found["moves"]]
    return {"began": _timed(found, "began_at")["at"], "moves": moves, "cases": cases, "contacts": contacts}


def _trail(suggestion: dict[str, Any]) -> list[Passage]:
    """Return the nodes in the order walked, each with its calls; a node that was asked again has its own again."""
    left: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for call in suggestion["calls"]:
        left[call["node"]].append(call)
    return [
        Passage(step["node"], step["says"], step["seconds"], tuple(_tries(left[step["node"]])))
        for step in suggestion["trail"]
    ]


def _tries(left: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Take the calls of a node's next passage: its first try, and those that repeat it."""
    while left:
        yield left.pop(0)
        if left and left[0]["attempt"] == 1:
            return


def _held(case: dict[str, Any] | None, suggestion: dict[str, Any] | None, because: Because) -> list[str]:
    said = because.case(case["reasons"], case["drafts"]) if case is not None else []
    if suggestion is not None:
        said += because.draft(suggestion)
    return list(dict.fromkeys(said))
