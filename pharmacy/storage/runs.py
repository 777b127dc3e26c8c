"""Begin and end a run: what it may read, and the one transaction that writes what it proposes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.conversation import Author, Kind, Transcript, Turn
from pharmacy.domain.facts import Patient
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.held_for import HeldFor
from pharmacy.domain.model import ModelCall
from pharmacy.domain.outcome import Draft, Outcome, OutcomeKind
from pharmacy.domain.outcome_json import steps_json
from pharmacy.domain.patient_profile import patient_from
from pharmacy.storage import automatic, automatic_back, outcomes, unanswered
from pharmacy.storage.cases import Bell
from pharmacy.storage.outbox_queue import FIXED
from pharmacy.storage.requests import Asked, open_request
from pharmacy.storage.storable import storable
from pharmacy.storage.tables import conversations, handovers, messages, model_calls, patients, runs, suggestions

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


async def begin(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, window_turns: int, request_id: UUID | None = None
) -> Begun | None:
    """Return a new run over every patient message that has no outcome yet, or None when there is nothing to do.

    Args:
        request_id: a pharmacist's wish for a draft; such a run begins even when every message has its outcome.
    """
    of_conversation = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == conversation_id)
    found = select(conversations, func.now().label("now")).where(*of_conversation).with_for_update()
    conversation = (await tx.execute(found)).one_or_none()
    if conversation is not None:
        await automatic_back.take_back_outdated(tx, conversation)
    waiting = await unanswered.count(tx, pharmacy_id, conversation_id)
    asked = await open_request(tx, request_id) if request_id else None
    if conversation is None or (waiting == 0 and asked is None):
        return None
    run_id = await _insert(tx, conversation, asked)
    if asked and await unanswered.newer_than(tx, pharmacy_id, conversation_id, asked.version):
        asked = None
    return await _begun(tx, conversation, run_id, window_turns, waiting, asked)


async def give_up(
    tx: AsyncConnection,
    bell: Bell,
    pharmacy_id: str,
    conversation_id: str,
    request_id: UUID | None,
    parked: Callable[[str, Sequence[GateHit]], Outcome],
) -> None:
    """Hand over what no run could answer, reading nothing that may be what broke the runs: no profile, no transcript.

    Args:
        parked: the handover to write, made from the conversation's phase and what the gates found in its messages.
    """
    of_conversation = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == conversation_id)
    conversation = (await tx.execute(select(conversations).where(*of_conversation).with_for_update())).one_or_none()
    asked = await open_request(tx, request_id) if request_id else None
    if conversation is None or not (asked or await unanswered.count(tx, pharmacy_id, conversation_id)):
        return
    outcome = parked(conversation.phase, await unanswered.hits(tx, pharmacy_id, conversation_id))
    run_id = await _insert(tx, conversation, asked)
    await tx.execute(update(runs).where(runs.c.id == run_id).values(state="proposed", finished_at=func.now()))
    covered = outcomes.Covered(pharmacy_id, conversation_id, conversation.version, run_id)
    await outcomes.write(tx, bell, covered, outcome, requested=asked is not None)


async def end(
    tx: AsyncConnection,
    bell: Bell,
    begun: Begun,
    proposal: Outcome | None,
    calls: Sequence[ModelCall],
    stopped: Callable[[str], Outcome],
    sending: automatic.Automatic | None = None,
    chosen: Mapping[str, Any] | None = None,
) -> str:
    """Write what the run proposes, unless something has overtaken it; return the state it ends in.

    A run that a newer message or a newer run has overtaken leaves its records and no outcome: its messages pass to the
    next run. One that a person stopped leaves its messages to a person.

    Args:
        stopped: the handover to write when a person stopped it, made from the code that the stop gave.
        sending: how an automatic reply is queued; without it a good draft waits for a pharmacist.
        chosen: node to `{"model", "share"}` where one of two models was drawn.
    """
    of_conversation = (conversations.c.pharmacy_id == begun.pharmacy_id, conversations.c.id == begun.conversation_id)
    conversation = (await tx.execute(select(conversations).where(*of_conversation).with_for_update())).one_or_none()
    run = (await tx.execute(select(runs.c.state, runs.c.problem).where(runs.c.id == begun.id))).one_or_none()
    if conversation is None or run is None:
        return "erased"
    newest = (conversation.version, conversation.fence) == (begun.version, begun.fence)
    outcome = None
    if run.state == "stopped":
        ended = "stopped"
        if newest and await unanswered.count(tx, begun.pharmacy_id, begun.conversation_id):
            outcome = stopped(run.problem)
    elif newest and run.state == "running" and proposal is not None:
        ended, outcome = "proposed", proposal
    else:
        ended = "superseded"
    await _close(tx, begun, ended, proposal, calls, chosen or {})
    if outcome is not None:
        of = (begun.pharmacy_id, begun.conversation_id, begun.version)
        covered = outcomes.Covered(*of, begun.id, tuple(calls))
        await _write(tx, bell, begun, conversation, covered, outcome, sending)
    return ended


async def fail(tx: AsyncConnection, begun: Begun, problem: str, calls: Sequence[ModelCall]) -> None:
    """Keep the records of a run that a bug ended; its messages stay for the job's next start."""
    await record_calls(tx, begun, calls)
    values = {"state": "failed", "problem": problem, "finished_at": func.now()}
    await tx.execute(update(runs).where(runs.c.id == begun.id, runs.c.state == "running").values(**values))


async def stop(tx: AsyncConnection, pharmacy_id: str, conversation_id: str, code: str) -> bool:
    """Mark the run in work as stopped by a person; say whether there was one. The caller tells its worker.

    Args:
        code: the reason's code of the handover that its messages then come to.
    """
    where = (runs.c.pharmacy_id == pharmacy_id, runs.c.conversation_id == conversation_id, runs.c.state == "running")
    stopped = await tx.execute(update(runs).where(*where).values(state="stopped", problem=code))
    return bool(stopped.rowcount)


async def note_node(tx: AsyncConnection, begun: Begun, node: str) -> None:
    """Say which node the run in work is in; nothing waits for it, and no other row is held."""
    in_work = (runs.c.id == begun.id, runs.c.state == "running")
    await tx.execute(update(runs).where(*in_work).values(node=node))


async def began_at(tx: AsyncConnection, run_id: UUID) -> datetime:
    """Return when a run began: what it proposed knows of nothing that a person changed after that."""
    began: datetime = (await tx.execute(select(runs.c.started_at).where(runs.c.id == run_id))).scalar_one()
    return began


async def record_calls(tx: AsyncConnection, begun: Begun, calls: Sequence[ModelCall]) -> None:
    """Write the run's model calls, all in one batch."""
    scope = {"pharmacy_id": begun.pharmacy_id, "conversation_id": begun.conversation_id, "run_id": begun.id}
    rows = [storable({**asdict(call), "blanks": dict(call.blanks)}) | scope for call in calls]
    if rows and await _is_there(tx, begun):
        # What the run read may have been withdrawn while it worked; then its words are not written down again.
        forget: dict[str, Any] = {"blanks": {}, "output": None} if await _read_what_is_withdrawn(tx, begun) else {}
        await tx.execute(insert(model_calls), [row | forget for row in rows])


async def _is_there(tx: AsyncConnection, begun: Begun) -> bool:
    """Say whether the run was not erased with its patient; the conversation is held, so that it stays so."""
    of_conversation = (conversations.c.pharmacy_id == begun.pharmacy_id, conversations.c.id == begun.conversation_id)
    await tx.execute(select(conversations.c.id).where(*of_conversation).with_for_update())
    return (await tx.execute(select(runs.c.id).where(runs.c.id == begun.id))).one_or_none() is not None


async def _read_what_is_withdrawn(tx: AsyncConnection, begun: Begun) -> bool:
    of_conversation = (conversations.c.pharmacy_id == begun.pharmacy_id, conversations.c.id == begun.conversation_id)
    found = select(conversations.c.withdrawn_version).where(*of_conversation)
    # Held, so that no withdrawal comes between this look and the commit.
    return bool((await tx.execute(found.with_for_update())).scalar_one() > begun.version)


async def overtaken(tx: AsyncConnection, begun: Begun) -> bool:
    """Say whether a newer message, a newer run or a person has made this run idle."""
    of_run = (runs.c.pharmacy_id == conversations.c.pharmacy_id) & (runs.c.conversation_id == conversations.c.id)
    found = select(conversations.c.version, conversations.c.fence, runs.c.state).join(runs, of_run)
    row = (await tx.execute(found.where(runs.c.id == begun.id))).one_or_none()
    if row is None:  # erased with its patient
        return True
    return (row.version, row.fence, row.state) != (begun.version, begun.fence, "running")


async def _insert(tx: AsyncConnection, conversation: Any, asked: Asked | None) -> UUID:
    """Write the run's row under the next fencing number, which shuts out every run before it."""
    run_id, fence = uuid4(), conversation.fence + 1
    of_conversation = (conversations.c.pharmacy_id == conversation.pharmacy_id, conversations.c.id == conversation.id)
    await tx.execute(update(conversations).where(*of_conversation).values(fence=fence))
    scope = {"pharmacy_id": conversation.pharmacy_id, "conversation_id": conversation.id}
    # One run at a time works on a conversation: an older one that still seems to has lost its worker.
    where = (
        runs.c.pharmacy_id == conversation.pharmacy_id,
        runs.c.conversation_id == conversation.id,
        runs.c.state.in_(["running", "stopped"]),
        runs.c.finished_at.is_(None),
    )
    lost = {"state": "failed", "problem": "its worker did not end it", "finished_at": func.now()}
    await tx.execute(update(runs).where(*where).values(**lost))
    row = {"version": conversation.version, "fence": fence, "state": "running", "request_id": asked and asked.id}
    await tx.execute(insert(runs).values(**scope, **row, id=run_id))
    return run_id


async def _begun(
    tx: AsyncConnection, conversation: Any, run_id: UUID, window_turns: int, waiting: int, asked: Asked | None
) -> Begun:
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


async def _write(
    tx: AsyncConnection,
    bell: Bell,
    begun: Begun,
    conversation: Any,
    covered: outcomes.Covered,
    outcome: Outcome,
    sending: automatic.Automatic | None,
) -> None:
    requested = begun.asked is not None
    if outcome.kind is OutcomeKind.AUTO_SENT and sending is None:
        outcome = automatic.as_suggestion(outcome, [HeldFor.POLICY_IN_DOUBT])
    if outcome.kind is OutcomeKind.AUTO_SENT and sending is not None:
        ran = automatic.Ran(begun.now, requested, begun.hits)
        outcome, now = await automatic.settle(tx, sending.file, conversation, covered, outcome, ran)
        if outcome.kind is OutcomeKind.AUTO_SENT:
            return await automatic.send(tx, sending.jobs, conversation, covered, outcome, now)
    return await outcomes.write(tx, bell, covered, outcome, requested=requested)


async def _close(
    tx: AsyncConnection,
    begun: Begun,
    state: str,
    proposal: Outcome | None,
    calls: Sequence[ModelCall],
    chosen: Mapping[str, Any],
) -> None:
    await record_calls(tx, begun, calls)
    told: dict[str, Any] = {"chosen": dict(chosen)} if chosen else {}
    if proposal:
        told |= {"steps": storable(steps_json(proposal.steps)), "cost_usd": proposal.cost_usd}
    values = {"state": state, "finished_at": func.now(), **told}
    await tx.execute(update(runs).where(runs.c.id == begun.id).values(**values))


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
