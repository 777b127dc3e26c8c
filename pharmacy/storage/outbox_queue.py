"""What joins the texts on their way to a patient, and what is taken back before it was tried."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import func, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.held_for import HeldFor
from pharmacy.domain.unsent_for import Problem
from pharmacy.storage.alarms import acknowledge_open
from pharmacy.storage.automatic_back import answered_instead
from pharmacy.storage.job_claims import LONGEST_WAIT_SECONDS
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.tables import outbox
from pharmacy.storage.unsent import told_of

REPLY_ID = "reply~"
"""Begins the id of every reply; no patient's message may have a `~` in its id, so that neither can take the other's."""

FIXED = "fixed"
"""The kind of a text, and of the message it becomes, whose words were approved beforehand."""

URGENT = "urgent"
"""The queue of texts that wait behind no other one."""

# Within one conversation, and across all of them: a person's words go before a machine's.
_PRIORITY = {"urgent": 10, "person": 0, "automatic": -1}


@dataclass(frozen=True)
class Wording:
    """What is to be said, and where it leaves the conversation."""

    text: str
    category: str | None = None
    phase: str | None = None
    """None leaves the conversation's phase, and likewise its category, as it is when the text is sent."""

    suggestion_id: UUID | None = None
    author: str = "pharmacist"
    reason: str | None = None
    """Why it goes out although the output gate would have held it."""

    overridden: tuple[str, ...] = ()
    """The names of the rules that held it."""


async def queue(
    tx: AsyncConnection, jobs: Jobs, conversation: Any, wording: Wording, actor: str, *,
    kind: Literal["reply", "fixed"] = "reply", automatic: bool = False, policy_version: int | None = None,
    hold_seconds: float = 0, urgent: bool = False, of_case: tuple[UUID, str] | None = None,
) -> UUID:  # fmt: skip
    """Write a text to send and its job; the recipient is the conversation's patient and nobody else.

    A person's reply takes back the automatic ones that were not tried yet: the patient has just been answered.

    Args:
        kind: `fixed` for words that were approved beforehand and answer no particular message.
        automatic: nobody pressed a button for it; it goes only while the policy still lets it.
        hold_seconds: how long a person may still cancel it.
        urgent: it waits behind no other text.
        of_case: the case that a fixed text is sent for, and the text's name.
    """
    if kind == "reply" and not automatic:
        await take_back_automatic(tx, conversation, HeldFor.ANSWERED)
        await acknowledge_open(tx, conversation.pharmacy_id, conversation.id, actor)
    outbox_id, of_pharmacy = uuid4(), {"pharmacy_id": conversation.pharmacy_id}
    held = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, hold_seconds) if hold_seconds else None
    row = {"conversation_id": conversation.id, "version": conversation.version, "recipient": conversation.patient_id,
           "retry_key": uuid4(), "text": wording.text, "text_hash": text_hash(wording.text),
           "author": wording.author, "sent_by": actor, "category": wording.category, "phase": wording.phase,
           "suggestion_id": wording.suggestion_id, "reason": wording.reason, "overridden": list(wording.overridden),
           "kind": kind, "automatic": automatic, "policy_version": policy_version, "not_before": held,
           "handover_id": of_case and of_case[0], "fixed_text": of_case and of_case[1], "state": "queued"}  # fmt: skip
    await tx.execute(insert(outbox).values(**of_pharmacy, **row, id=outbox_id))
    await enqueue_send(
        tx, jobs, conversation.pharmacy_id, conversation.id, outbox_id,
        rank="urgent" if urgent else "automatic" if automatic else "person", wait_seconds=hold_seconds,
    )  # fmt: skip
    return outbox_id


async def enqueue_send(
    tx: AsyncConnection, jobs: Jobs, pharmacy_id: str, conversation_id: str, outbox_id: UUID, *,
    rank: Literal["urgent", "person", "automatic"], wait_seconds: float = 0,
) -> None:  # fmt: skip
    """Write the job that sends a row; jobs of one conversation run one at a time, in order."""
    await jobs.enqueue(
        tx, "send", lock=f"send:{pharmacy_id}:{conversation_id}", queue=URGENT if rank == "urgent" else None,
        arguments={"pharmacy_id": pharmacy_id, "outbox_id": str(outbox_id)}, priority=_PRIORITY[rank],
        schedule_in=min(wait_seconds, LONGEST_WAIT_SECONDS) or None,
    )  # fmt: skip


async def take_back_automatic(tx: AsyncConnection, conversation: Any, why: HeldFor) -> int:
    """Cancel the conversation's automatic texts that were never tried; return how many. The caller holds it."""
    where = (outbox.c.pharmacy_id == conversation.pharmacy_id, outbox.c.conversation_id == conversation.id,
             outbox.c.automatic, outbox.c.state == "queued", outbox.c.attempts == 0)  # fmt: skip
    cancelled = update(outbox).where(*where).values(state="cancelled", **told_of(Problem(why))).returning(outbox)
    taken = (await tx.execute(cancelled)).all()
    for row in taken:
        await answered_instead(tx, row, why)
    return len(taken)


def text_hash(words: str) -> str:
    """Return what stands for a text where the text itself may not."""
    return hashlib.sha256(words.encode()).hexdigest()


def unless_set_since(written_at: datetime, set_at: datetime | None, value: str | None) -> str | None:
    """Return `value`, or None when a person has set something else after it was written."""
    return None if set_at is not None and set_at > written_at else value
