"""Begin and end a run: its fencing number, and the one transaction that writes what it proposes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.held_for import HeldFor
from pharmacy.domain.model import ModelCall
from pharmacy.domain.outcome import Outcome, OutcomeKind
from pharmacy.domain.outcome_json import steps_json
from pharmacy.storage import automatic, automatic_back, calls_made, outcomes, unanswered
from pharmacy.storage.begun import Begun, read
from pharmacy.storage.cases import Bell
from pharmacy.storage.requests import Asked, open_request
from pharmacy.storage.storable import storable
from pharmacy.storage.tables import conversations, runs


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
    return await read(tx, conversation, run_id, window_turns, waiting, asked)


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
    await calls_made.record(tx, begun, calls)
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
    await calls_made.record(tx, begun, calls)
    told: dict[str, Any] = {"chosen": dict(chosen)} if chosen else {}
    if proposal:
        told |= {"steps": storable(steps_json(proposal.steps)), "cost_usd": proposal.cost_usd}
    values = {"state": state, "finished_at": func.now(), **told}
    await tx.execute(update(runs).where(runs.c.id == begun.id).values(**values))
