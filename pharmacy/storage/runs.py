"""Begin and end a run: what it may read, and the one transaction that writes what it proposes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Text, cast, column, func, insert, select, table, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.conversation import Author, Kind, Transcript, Turn
from pharmacy.domain.facts import Patient
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.model import ModelCall
from pharmacy.domain.outcome import Draft, Outcome
from pharmacy.domain.outcome_json import steps_json
from pharmacy.domain.patient_profile import patient_from
from pharmacy.storage import outcomes
from pharmacy.storage.notices import notify
from pharmacy.storage.tables import conversations, handovers, messages, model_calls, patients, runs, suggestions
from pharmacy.storage.tables import outcomes as outcomes_table


@dataclass(frozen=True)
class Asked:
    """A pharmacist's wish for a draft."""

    by: str
    request_id: UUID
    instruction: str = ""


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
    asked: Asked | None
    """A pharmacist's wish for a draft; None for a run that a message began."""

    earlier: tuple[Draft, ...]
    """Drafts of these same messages that a pharmacist had written again."""


async def begin(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, window_turns: int, asked: Asked | None = None
) -> Begun | None:
    """Return a new run over every patient message that has no outcome yet, or None when there is none.

    Args:
        asked: a pharmacist's wish for a draft; such a run begins even when every message has its outcome.
    """
    of_conversation = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == conversation_id)
    conversation = (
        await tx.execute(select(conversations, func.now().label("now")).where(*of_conversation).with_for_update())
    ).one_or_none()
    unanswered = await _unanswered(tx, pharmacy_id, conversation_id)
    if conversation is None or (unanswered == 0 and asked is None):
        return None
    fence = conversation.fence + 1
    await tx.execute(update(conversations).where(*of_conversation).values(fence=fence))
    run_id = uuid4()
    scope = {"pharmacy_id": pharmacy_id, "conversation_id": conversation_id}
    await tx.execute(
        insert(runs).values(**scope, id=run_id, version=conversation.version, fence=fence, state="running",
                            requested_by=asked and asked.by, request_id=asked and asked.request_id,
                            instruction=asked and asked.instruction)
    )  # fmt: skip
    turns = await _window(tx, pharmacy_id, conversation_id, max(window_turns, unanswered))
    return Begun(
        id=run_id, pharmacy_id=pharmacy_id, conversation_id=conversation_id, version=conversation.version, fence=fence,
        now=conversation.now, transcript=Transcript(turns, unanswered or _trailing(turns)),
        patient=await _patient(tx, pharmacy_id, conversation.patient_id), phase=conversation.phase,
        category=conversation.category if conversation.category_set_by else None,
        open_case=await _open_case(tx, pharmacy_id, conversation_id), taken_over=conversation.taken_over_by is not None,
        first_contact=not any(turn.author is not Author.PATIENT for turn in turns), asked=asked,
        earlier=await _earlier(tx, pharmacy_id, conversation_id, conversation.version) if asked else (),
    )  # fmt: skip


async def end(tx: AsyncConnection, begun: Begun, outcome: Outcome, calls: Sequence[ModelCall]) -> bool:
    """Write what the run proposes, unless a newer message or a newer run has overtaken it; say whether it was written.

    A run that was overtaken leaves its records and no outcome: its messages pass to the next run.
    """
    conversation = (
        await tx.execute(
            select(conversations.c.version, conversations.c.fence)
            .where(conversations.c.pharmacy_id == begun.pharmacy_id, conversations.c.id == begun.conversation_id)
            .with_for_update()
        )
    ).one()
    state = await _state(tx, begun.id)
    current = (conversation.version, conversation.fence) == (begun.version, begun.fence) and state == "running"
    await record_calls(tx, begun, calls)
    values = {"steps": steps_json(outcome.steps), "cost_usd": outcome.cost_usd, "finished_at": func.now()}
    ended = "proposed" if current else "stopped" if state == "stopped" else "superseded"
    await tx.execute(update(runs).where(runs.c.id == begun.id).values(state=ended, **values))
    if current:
        await outcomes.write(
            tx,
            begun.pharmacy_id,
            begun.conversation_id,
            begun.version,
            begun.id,
            outcome,
            requested=begun.asked is not None,
        )
    return current


async def leave(tx: AsyncConnection, begun: Begun, if_stopped: Outcome, calls: Sequence[ModelCall]) -> None:
    """Record a run that ended without a proposal; one that a person stopped leaves its messages to a person.

    Args:
        if_stopped: the handover to write when it was stopped and nothing newer will answer its messages.
    """
    where = (conversations.c.pharmacy_id == begun.pharmacy_id, conversations.c.id == begun.conversation_id)
    conversation = (await tx.execute(select(conversations).where(*where).with_for_update())).one()
    stopped = await _state(tx, begun.id) == "stopped"
    await record_calls(tx, begun, calls)
    ended = {"state": "stopped" if stopped else "superseded", "finished_at": func.now()}
    await tx.execute(update(runs).where(runs.c.id == begun.id).values(**ended))
    unanswered = await _unanswered(tx, begun.pharmacy_id, begun.conversation_id)
    if stopped and unanswered and (conversation.version, conversation.fence) == (begun.version, begun.fence):
        await outcomes.write_handover(tx, begun.pharmacy_id, begun.conversation_id, begun.version, begun.id, if_stopped)


async def stop(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, by: str) -> bool:
    """Mark the run in work as stopped by a person, and tell its worker; say whether there was one."""
    where = (runs.c.pharmacy_id == pharmacy_id, runs.c.conversation_id == conversation_id, runs.c.state == "running")
    stopped = await tx.execute(update(runs).where(*where).values(state="stopped", problem=f"stopped by {by}"))
    await notify(tx, "conversation", f"{pharmacy_id}/{conversation_id}")
    return bool(stopped.rowcount)


async def record_calls(tx: AsyncConnection, begun: Begun, calls: Sequence[ModelCall]) -> None:
    """Write the run's model calls, all in one batch."""
    scope = {"pharmacy_id": begun.pharmacy_id, "conversation_id": begun.conversation_id, "run_id": begun.id}
    if calls:
        await tx.execute(
            insert(model_calls), [{**asdict(call), "blanks": dict(call.blanks), **scope} for call in calls]
        )


async def overtaken(tx: AsyncConnection, begun: Begun) -> bool:
    """Say whether a newer message, a newer run or a person has made this run idle."""
    row = (
        await tx.execute(
            select(conversations.c.version, conversations.c.fence, runs.c.state)
            .join(
                runs,
                (runs.c.pharmacy_id == conversations.c.pharmacy_id) & (runs.c.conversation_id == conversations.c.id),
            )
            .where(runs.c.id == begun.id)
        )
    ).one()
    return (row.version, row.fence, row.state) != (begun.version, begun.fence, "running")


async def _state(tx: AsyncConnection, run_id: UUID) -> str:
    return str((await tx.execute(select(runs.c.state).where(runs.c.id == run_id))).scalar_one())


async def _unanswered(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> int:
    where = (messages.c.pharmacy_id == pharmacy_id, messages.c.conversation_id == conversation_id,
             messages.c.author == "patient", messages.c.outcome_id.is_(None))  # fmt: skip
    return int((await tx.execute(select(func.count()).select_from(messages).where(*where))).scalar_one())


async def _window(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, turns: int) -> tuple[Turn, ...]:
    newest = (
        select(messages)
        .where(messages.c.pharmacy_id == pharmacy_id, messages.c.conversation_id == conversation_id)
        .order_by(messages.c.seq.desc())
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
    where = (suggestions.c.pharmacy_id == pharmacy_id, suggestions.c.conversation_id == conversation_id,
             suggestions.c.version == version, suggestions.c.state == "regenerated")  # fmt: skip
    rows = await tx.execute(select(suggestions.c.text).where(*where).order_by(suggestions.c.seq))
    return tuple(Draft(row.text) for row in rows)


async def newest_unanswered(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> float | None:
    """Return how many seconds ago the newest message without an outcome arrived, or None when all have theirs."""
    where = (messages.c.pharmacy_id == pharmacy_id, messages.c.conversation_id == conversation_id,
             messages.c.author == "patient", messages.c.outcome_id.is_(None))  # fmt: skip
    age = func.extract("epoch", func.clock_timestamp() - func.max(messages.c.received_at))
    seconds = (await tx.execute(select(age).where(*where))).scalar_one()
    return None if seconds is None else float(seconds)


async def outcome_of_request(tx: AsyncConnection, pharmacy_id: str, request_id: UUID) -> dict[str, Any] | None:
    """Return the JSON of what a pharmacist's request led to, or None while it is in work."""
    found = await tx.execute(
        select(outcomes_table.c.body)
        .join(runs, runs.c.id == outcomes_table.c.run_id)
        .where(runs.c.pharmacy_id == pharmacy_id, runs.c.request_id == request_id)
    )
    body: dict[str, Any] | None = found.scalar_one_or_none()
    return body


async def _open_case(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> Tier | None:
    where = (
        handovers.c.pharmacy_id == pharmacy_id,
        handovers.c.conversation_id == conversation_id,
        handovers.c.state == "open",
    )
    tier = (await tx.execute(select(handovers.c.tier).where(*where))).scalar_one_or_none()
    return Tier(tier) if tier else None


async def without_job(tx: AsyncConnection) -> list[tuple[str, str]]:
    """Return (pharmacy, conversation) of every unanswered message whose conversation has no job left."""
    jobs = table("procrastinate_jobs", column("lock"), column("status"))
    lock = func.concat("reply:", messages.c.pharmacy_id, ":", messages.c.conversation_id)
    job = select(jobs).where(jobs.c.lock == lock, cast(jobs.c.status, Text).in_(["todo", "doing"])).exists()
    found = await tx.execute(
        select(messages.c.pharmacy_id, messages.c.conversation_id)
        .where(messages.c.author == "patient", messages.c.outcome_id.is_(None), ~job)
        .distinct()
    )
    return [(row.pharmacy_id, row.conversation_id) for row in found]
