"""A run that has begun, with all that it may read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.conversation import Author, Kind, Transcript, Turn
from pharmacy.domain.facts import Patient
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.outcome import Draft
from pharmacy.domain.patient_profile import patient_from
from pharmacy.storage import unanswered
from pharmacy.storage.outbox_queue import FIXED
from pharmacy.storage.requests import Asked
from pharmacy.storage.tables import handovers, messages, patients, suggestions

LONGEST_WINDOW = 200
"""How many turns a run reads at most, however many messages wait."""


@dataclass(frozen=True)
class Begun:
    """A run that has begun: its fencing number, and all it may read."""

    id: UUID
    pharmacy_id: str
    conversation_id: str
    version: int
    fence: int
    now: datetime
    transcript: Transcript
    patient: Patient
    phase: str
    category: str | None
    """A category that a person set; None leaves it to the flow."""

    open_case: Tier | None
    taken_over: bool
    first_contact: bool
    redelivered: bool
    """True when the channel has delivered a waiting message more than once."""

    asked: Asked | None
    """A pharmacist's wish for a draft; None for a run that a message began, or one newer than the wish has joined.

    A wish lifts the gates that the pharmacist has seen, so it must not lift those of a message that came after it.
    """

    earlier: tuple[Draft, ...]
    """Drafts of these same messages that a pharmacist had written again."""

    hits: tuple[GateHit, ...] = ()
    """What the gates found in the waiting messages when they were taken."""

    unread: int = 0
    """Waiting messages that the window has no room for; a run that cannot read everything is no ground for a draft."""


async def read(
    tx: AsyncConnection, conversation: Any, run_id: UUID, window_turns: int, waiting: int, asked: Asked | None
) -> Begun:
    """Return the run `run_id` of `conversation`, whose row is held, with everything that it may read.

    Args:
        waiting: how many of the patient's messages have no outcome yet.
    """
    of = (conversation.pharmacy_id, conversation.id)
    turns = await _window(tx, *of, min(max(window_turns, waiting), LONGEST_WINDOW))
    read = sum(turn.author is Author.PATIENT for turn in turns)
    return Begun(
        id=run_id,
        pharmacy_id=of[0],
        conversation_id=of[1],
        version=conversation.version,
        fence=conversation.fence + 1,
        now=conversation.now,
        transcript=Transcript(turns, min(waiting, read) or _trailing(turns)),
        patient=await _patient(tx, of[0], conversation.patient_id),
        phase=conversation.phase,
        category=conversation.category if conversation.category_set_by else None,
        open_case=await _open_case(tx, *of),
        taken_over=conversation.taken_over_by is not None,
        first_contact=read == len(turns),
        redelivered=await unanswered.redelivered(tx, *of),
        asked=asked,
        hits=await unanswered.hits(tx, *of),
        unread=max(0, waiting - read),
        earlier=await _earlier(tx, *of, conversation.version) if asked else (),
    )


async def _window(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, turns: int) -> tuple[Turn, ...]:
    newest = (
        select(messages)
        .where(messages.c.pharmacy_id == pharmacy_id, messages.c.conversation_id == conversation_id)
        # A fixed text answers nothing: it must hide neither a question before it nor that nobody has answered yet.
        .where(messages.c.kind != FIXED)
        .order_by(messages.c.order_at.desc(), messages.c.id.desc())
        .limit(turns)
    )
    rows = (await tx.execute(newest)).all()
    return tuple(Turn(Author(row.author), row.text, row.sent_at, Kind(row.kind), row.version) for row in reversed(rows))


def _trailing(turns: Sequence[Turn]) -> int:
    """Return how many patient turns stand at the end: what a requested draft answers when nothing is open."""
    count = 0
    for turn in reversed(turns):
        if turn.author is not Author.PATIENT:
            break
        count += 1
    return max(count, 1)


async def _patient(tx: AsyncConnection, pharmacy_id: str, patient_id: str) -> Patient:
    where = (patients.c.pharmacy_id == pharmacy_id, patients.c.id == patient_id)
    profile: dict[str, Any] = (await tx.execute(select(patients.c.profile).where(*where))).scalar_one()
    return patient_from(patient_id, profile)


async def _earlier(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, version: int) -> tuple[Draft, ...]:
    where = (
        suggestions.c.pharmacy_id == pharmacy_id,
        suggestions.c.conversation_id == conversation_id,
        suggestions.c.version == version,
        suggestions.c.state == "regenerated",
    )
    rows = await tx.execute(select(suggestions.c.text).where(*where).order_by(suggestions.c.seq))
    return tuple(Draft(row.text) for row in rows)


async def _open_case(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> Tier | None:
    where = (
        handovers.c.pharmacy_id == pharmacy_id,
        handovers.c.conversation_id == conversation_id,
        handovers.c.state == "open",
    )
    tier = (await tx.execute(select(handovers.c.tier).where(*where))).scalar_one_or_none()
    return Tier(tier) if tier else None
