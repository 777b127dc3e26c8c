"""The only way out: texts to send, each with one retry key, moved by the job `send`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.conversation import Kind
from pharmacy.domain.held_for import Against, HeldFor
from pharmacy.domain.unsent_for import Problem, UnsentFor
from pharmacy.storage import alarms, audit, automatic_back, cases, moves
from pharmacy.storage.cases import Bell
from pharmacy.storage.expiry import expired
from pharmacy.storage.holding import locked
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.order import after_everything
from pharmacy.storage.outbox_queue import (
    FIXED,
    REPLY_ID,
    Wording,
    queue,
    take_back_automatic,
    text_hash,
    unless_set_since,
)
from pharmacy.storage.refusals import NotHere, Stale
from pharmacy.storage.tables import conversations, messages, outbox
from pharmacy.storage.unsent import NOTHING_TOLD, told_of

__all__ = [
    "REPLY_ID",
    "Held",
    "MayGo",
    "Wording",
    "cancel",
    "claim",
    "note_problem",
    "park",
    "queue",
    "sent",
    "take_back_automatic",
    "text_hash",
    "unless_set_since",
    "withhold",
]

LONGEST_HOLD_SECONDS = 3_600.0
"""No row waits longer than this at a time; one that seems to was held before the clock was set back."""

# A receiver keeps a retry key for 24 hours; past 23 a repeat could reach the patient twice.
_KEY_LIVES = text("now() - interval '23 hours'")

_CHANNEL = (
    select(conversations.c.channel)
    .where(conversations.c.pharmacy_id == outbox.c.pharmacy_id, conversations.c.id == outbox.c.conversation_id)
    .scalar_subquery()
    .label("channel")
)

MayGo = Callable[[AsyncConnection, Any], Awaitable[Against | None]]
"""Returns why an automatic row may not go now, or None; asked with conversation and row locked."""


@dataclass(frozen=True)
class Held:
    """The row's time has not come."""

    seconds: float


async def claim(tx: AsyncConnection, bell: Bell, pharmacy_id: str, outbox_id: UUID, may_go: MayGo) -> Any | Held | None:
    """Return the row to send now, how long it is held, or None when it is done with, too old, or overtaken.

    Args:
        may_go: asked for an automatic row, when nothing else stands in its way.
    """
    waits = func.extract("epoch", outbox.c.not_before - func.clock_timestamp())
    mine = (outbox.c.pharmacy_id == pharmacy_id, outbox.c.id == outbox_id)
    labels = ((outbox.c.created_at < _KEY_LIVES).label("too_old"), waits.label("waits"), _CHANNEL)
    found = select(outbox, *labels).where(*mine)
    # The conversation first, then the row: the order every writer takes its locks in.
    named = (await tx.execute(found)).one_or_none()
    if named is None:  # erased with its patient
        return None
    conversation = await locked(tx, pharmacy_id, named.conversation_id)
    row = (await tx.execute(found.with_for_update())).one()
    if row.state != "queued":
        return None
    jobs = bell.jobs
    if row.kind == FIXED and (why := await expired(tx, bell.texts, row)):
        await _expire(tx, jobs, row, conversation, why)
        return None
    # A person's own text that was tried may have arrived already, and only its own key can tell.
    if (row.automatic or not row.attempts) and (against := await _overtaken(tx, row, conversation, may_go)):
        await _withhold(tx, jobs, row, conversation, against)
        return None
    if row.too_old:
        await _park(tx, jobs, row, conversation, Problem(UnsentFor.KEY_TOO_OLD, "its retry key is older than 23 hours"))
        return None
    if row.waits is not None and 0 < row.waits <= LONGEST_HOLD_SECONDS:
        return Held(float(row.waits))
    await tx.execute(update(outbox).where(*mine).values(attempts=row.attempts + 1))
    return row


async def sent(tx: AsyncConnection, pharmacy_id: str, outbox_id: UUID) -> None:
    """Record that the text reached the channel: it becomes a message, and its phase the conversation's."""
    row, conversation = await _both(tx, pharmacy_id, outbox_id)
    # It may have been parked while this attempt was under way: the patient has it all the same.
    if row.state != "queued" and not (row.state == "parked" and row.attempts):
        return
    done = {"state": "sent", "sent_at": func.now(), **NOTHING_TOLD}
    await tx.execute(update(outbox).where(outbox.c.id == outbox_id).values(**done))
    message = {"conversation_id": row.conversation_id, "version": row.version, "author": row.author,
               "text": row.text, "sent_by": row.sent_by, "sent_at": func.now(), "outbox_id": outbox_id,
               "kind": FIXED if row.kind == FIXED else Kind.TEXT.value,
               "order_at": after_everything(pharmacy_id, row.conversation_id)}  # fmt: skip
    await tx.execute(insert(messages).values(pharmacy_id=pharmacy_id, id=f"{REPLY_ID}{outbox_id}", **message))
    mine = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == row.conversation_id)
    moved = _moved(row, conversation)
    await moves.by_text(tx, conversation, row, moved)
    now = {"last_message_at": func.now(), **moved}
    await tx.execute(update(conversations).where(*mine).values(**now))
    body = {"conversation": row.conversation_id, "text_hash": row.text_hash, "retry_key": str(row.retry_key),
            "suggestion_id": str(row.suggestion_id) if row.suggestion_id else None, "by": row.sent_by,
            "kind": row.kind, "automatic": row.automatic, "policy_version": row.policy_version,
            "version": row.version, "attempts": row.attempts, "overridden": row.overridden,
            "fixed_text": row.fixed_text}  # fmt: skip
    await audit.append(tx, pharmacy_id, "channel", "message_sent", str(outbox_id), body)


async def park(
    tx: AsyncConnection, jobs: Jobs, pharmacy_id: str, outbox_id: UUID, problem: Problem, *, in_doubt: bool = False
) -> None:
    """Give up sending a text, saying why, and call a person.

    Args:
        in_doubt: whether an attempt that was made, or is being made, leaves it open if the text arrived.
    """
    row, conversation = await _both(tx, pharmacy_id, outbox_id)
    if row.state == "queued":
        await _park(tx, jobs, row, conversation, problem, in_doubt=in_doubt and row.attempts > 0)


async def cancel(tx: AsyncConnection, pharmacy_id: str, outbox_id: UUID, actor: str) -> None:
    """Take a text back by a person's hand, before it was tried; its messages then wait for a person.

    Raises:
        NotHere: this pharmacy has no such text.
        Stale: it is on its way, or done with.
    """
    row, conversation = await _both(tx, pharmacy_id, outbox_id)
    if row.state != "queued" or row.attempts:
        state = row.state if row.state != "queued" else "being sent"
        raise Stale(f"text is {state}, expected one that was never tried", conversation.version, [], state)
    await _cancel(tx, row, conversation, actor, Against(HeldFor.CANCELLED))


async def withhold(tx: AsyncConnection, pharmacy_id: str, outbox_id: UUID, actor: str, why: HeldFor) -> bool:
    """Take an automatic text back that was never tried; return False when it is on its way or done with."""
    row, conversation = await _both(tx, pharmacy_id, outbox_id)
    if row.state != "queued" or row.attempts or not row.automatic:
        return False
    await _cancel(tx, row, conversation, actor, Against(why))
    return True


async def note_problem(
    tx: AsyncConnection, pharmacy_id: str, outbox_id: UUID, problem: Problem, wait_seconds: float, *, tried: bool = True
) -> None:
    """Keep the words of a failed attempt; the same key is tried again, and not before `wait_seconds` have passed.

    Args:
        tried: False where certainly nothing arrived: the attempt does not count, and the text may still be overtaken.
    """
    again = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, min(wait_seconds, LONGEST_HOLD_SECONDS))
    # One that was parked meanwhile keeps the words it was parked with.
    mine = (outbox.c.pharmacy_id == pharmacy_id, outbox.c.id == outbox_id, outbox.c.state == "queued")
    given_back = {} if tried else {"attempts": func.greatest(outbox.c.attempts - 1, 0)}
    told = told_of(problem) | {"in_doubt": outbox.c.attempts > (0 if tried else 1)}
    await tx.execute(update(outbox).where(*mine).values(**told, not_before=again, **given_back))


async def _overtaken(tx: AsyncConnection, row: Any, conversation: Any, may_go: MayGo) -> Against | None:
    """Return why a row may not go any more."""
    if row.kind == "reply" and row.version != conversation.version:
        return Against(HeldFor.NEWER_MESSAGE)
    if not row.automatic:
        return None
    if conversation.taken_over_by is not None:
        return Against(HeldFor.TAKEN_OVER)
    return await may_go(tx, row)


async def _withhold(tx: AsyncConnection, jobs: Jobs, row: Any, conversation: Any, why: Against) -> None:
    """Nobody asked for an automatic text, so it is let go; a person's own is parked for that person to see.

    An automatic one that was tried may have arrived: it is no suggestion any more, and a person must look.
    """
    if row.attempts:
        await _park(tx, jobs, row, conversation, Problem(why.code), in_doubt=True)
    elif row.automatic:
        await _cancel(tx, row, conversation, "channel", why)
    else:
        await _park(tx, jobs, row, conversation, Problem(why.code))


async def _expire(tx: AsyncConnection, jobs: Jobs, row: Any, conversation: Any, why: Problem) -> None:
    await _set_cancelled(tx, row, conversation, "channel", why, shown=False)
    if not row.automatic:  # the words for an emergency: whether the patient was told is a person's to see
        await alarms.of_unsent(tx, jobs, conversation, always=True)


async def _cancel(tx: AsyncConnection, row: Any, conversation: Any, actor: str, why: Against) -> None:
    shown = row.automatic and await automatic_back.back_to_person(tx, row, conversation, why)
    await _set_cancelled(tx, row, conversation, actor, Problem(why.code), shown=shown)


async def _set_cancelled(
    tx: AsyncConnection, row: Any, conversation: Any, actor: str, why: Problem, *, shown: bool
) -> None:
    """Write why the text does not go.

    Args:
        shown: whether a person sees it as a draft.
    """
    told = told_of(why, in_doubt=row.attempts > 0)
    await tx.execute(update(outbox).where(outbox.c.id == row.id).values(state="cancelled", **told))
    # A newer message has a run of its own, which reads this one's messages too; otherwise they are a person's now.
    if row.kind == "reply" and row.version == conversation.version and not shown:
        await cases.open_case(tx, conversation, "not_sent", told["problem"])
    await audit.append(tx, row.pharmacy_id, actor, "message_cancelled", str(row.id), {"problem": told["problem"]})


async def _park(
    tx: AsyncConnection, jobs: Jobs, row: Any, conversation: Any, problem: Problem, *, in_doubt: bool = False
) -> None:
    told = told_of(problem, in_doubt=in_doubt)
    await tx.execute(update(outbox).where(outbox.c.id == row.id).values(state="parked", **told))
    await cases.open_case(tx, conversation, "not_sent", told["problem"])
    # Whoever answered an emergency believes that the patient was told: they hear of it, however many alarms there were.
    pressing = await alarms.call_again(tx, conversation)
    await alarms.of_unsent(tx, jobs, conversation, always=pressing or row.kind == "fixed")
    await audit.append(tx, row.pharmacy_id, "channel", "message_parked", str(row.id), {"problem": told["problem"]})


def _moved(row: Any, conversation: Any) -> dict[str, Any]:
    """Return where the sent text leaves the conversation; what a person has set since it was written stays."""
    phase = unless_set_since(row.created_at, conversation.phase_set_at, row.phase)
    category = unless_set_since(row.created_at, conversation.category_set_at, row.category)
    return ({"phase": phase} if phase else {}) | ({"category": category, "category_set_by": None} if category else {})


async def _both(tx: AsyncConnection, pharmacy_id: str, outbox_id: UUID) -> tuple[Any, Any]:
    """Return the row and its conversation, both held, the conversation first."""
    mine = (outbox.c.pharmacy_id == pharmacy_id, outbox.c.id == outbox_id)
    of = (await tx.execute(select(outbox.c.conversation_id).where(*mine))).scalar_one_or_none()
    if of is None:
        raise NotHere(f"text {str(outbox_id)!r}: there is none")
    conversation = await locked(tx, pharmacy_id, of)
    return (await tx.execute(select(outbox).where(*mine).with_for_update())).one(), conversation
