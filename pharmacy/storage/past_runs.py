"""Read a past run's question again: the window that it had before it, the phase then, and the patient as known now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.conversation import Author, Transcript, Turn
from pharmacy.domain.facts import Patient
from pharmacy.domain.outcome import OutcomeKind
from pharmacy.domain.patient_profile import patient_from
from pharmacy.storage.past_question import turns_of, window_then

_RUNS = text("""
SELECT r.id, r.conversation_id, r.version, r.started_at, c.patient_id, p.profile, spoken.phase,
       ended.kind AS ended_kind, ended.body ->> 'category' AS ended_category, ended.body ->> 'phase' AS ended_phase
FROM runs r
JOIN conversations c ON c.pharmacy_id = r.pharmacy_id AND c.id = r.conversation_id
JOIN patients p ON p.pharmacy_id = c.pharmacy_id AND p.id = c.patient_id
LEFT JOIN LATERAL (
    SELECT m.blanks ->> 'phase' AS phase FROM model_calls m
    WHERE m.pharmacy_id = r.pharmacy_id AND m.run_id = r.id AND m.node = 'switch_phase' ORDER BY m.seq LIMIT 1
) spoken ON true
LEFT JOIN LATERAL (
    SELECT o.kind, o.body FROM outcomes o
    WHERE o.pharmacy_id = r.pharmacy_id AND o.run_id = r.id ORDER BY o.created_at LIMIT 1
) ended ON true
WHERE r.pharmacy_id = :pharmacy_id AND r.conversation_id = ANY(CAST(:conversations AS text[]))
ORDER BY r.conversation_id, r.started_at
""")


@dataclass(frozen=True)
class Ended:
    """What a run came to."""

    kind: OutcomeKind
    category: str | None
    phase: str | None


@dataclass(frozen=True)
class PastRun:
    """One run's question."""

    id: UUID
    conversation_id: str
    version: int
    started_at: datetime
    transcript: Transcript
    patient: Patient
    """As known now: what was put right since is not undone."""

    phase: str | None
    """Of the conversation when it began; None where the run never asked about it."""

    ended: Ended | None
    """None where it came to nothing: it was overtaken, stopped, or failed."""


async def past_runs(
    tx: AsyncConnection, pharmacy_id: str, conversations: Sequence[str], window_turns: int
) -> list[PastRun]:
    """Return every run of `conversations`, in the order in which they began; those of an erased patient are gone."""
    given: Mapping[str, Any] = {"pharmacy_id": pharmacy_id, "conversations": [*conversations]}
    found = (await tx.execute(_RUNS, given)).all()
    return [await _past(tx, pharmacy_id, row, window_turns) for row in found]


async def _past(tx: AsyncConnection, pharmacy_id: str, row: Row[Any], window_turns: int) -> PastRun:
    of = {"pharmacy": pharmacy_id, "conversation": row.conversation_id, "version": row.version,
          "asked_at": row.started_at, "turns": window_turns}  # fmt: skip
    turns = turns_of(await window_then(tx, of))
    return PastRun(
        row.id, row.conversation_id, row.version, row.started_at, Transcript(turns, _trailing(turns)),
        patient_from(row.patient_id, row.profile), row.phase,
        Ended(OutcomeKind(row.ended_kind), row.ended_category, row.ended_phase) if row.ended_kind else None,
    )  # fmt: skip


def _trailing(turns: Sequence[Turn]) -> int:
    count = 0
    for turn in reversed(turns):
        if turn.author is not Author.PATIENT:
            break
        count += 1
    return max(count, 1)
