"""The job `send`: move one text from the outbox to its channel."""

import logging
import random
import time
from dataclasses import dataclass, field
from uuid import UUID

from pharmacy.channels.delivery import Attempt, Contact, Delivery, Parcel
from pharmacy.domain.unsent_for import Problem, UnsentFor
from pharmacy.storage import line_contacts, outbox
from pharmacy.storage.automatic import may_still_go
from pharmacy.storage.database import Transaction
from pharmacy.storage.jobs import Job, Later
from server.program import Program

FIRST_WAIT_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 300.0
GOOD_SECONDS = 1.0
"""How long what let a text go is taken to hold; a worker that stood still longer looks again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claimed:
    """A text that may go out now, and how often it may have gone before."""

    channel: str
    attempts: int
    parcel: Parcel


@dataclass(frozen=True)
class SendJobs:
    """What a worker does for texts that go out."""

    program: Program
    misses: dict[UUID, int] = field(default_factory=dict)
    """How often in a row each text could not be tried: no attempt of the row's, but the waits grow all the same."""

    async def send(self, job: Job) -> None:
        """Deliver one outbox row; done twice, the receiver drops the second by its key.

        Raises:
            Later: its time has not come, or the attempt failed and is made again under the same key.
        """
        pharmacy_id, outbox_id = _names(job)
        claimed = await self.program.database.transact(
            lambda tx: self._claimed(tx, pharmacy_id, outbox_id), pharmacy_id
        )
        if claimed is None:
            self.misses.pop(outbox_id, None)
            return
        if isinstance(claimed, outbox.Held):
            raise Later(claimed.seconds)
        attempt = await self.program.channels[claimed.channel].deliver(claimed.parcel)
        log.info("message_delivery conversation=%s result=%s", claimed.parcel.conversation_id, attempt.delivery)
        await self._note(pharmacy_id, outbox_id, claimed.attempts, attempt)

    async def _claimed(self, tx: Transaction, pharmacy_id: str, outbox_id: UUID) -> "Claimed | outbox.Held | None":
        may_go = may_still_go(self.program.assembled.policy)
        row = await outbox.claim(tx, self.program.bell, pharmacy_id, outbox_id, may_go)
        if row is None or isinstance(row, outbox.Held):
            return row
        is_line = row.channel == "line"
        at_line = await line_contacts.of_conversation(tx, pharmacy_id, row.conversation_id) if is_line else None
        contact = Contact(at_line.user_id, at_line.blocked) if at_line else None
        parcel = Parcel(
            str(row.retry_key), row.conversation_id, row.recipient, row.text, row.author, pharmacy_id, contact,
            time.monotonic() + GOOD_SECONDS,
        )  # fmt: skip
        return Claimed(row.channel, row.attempts, parcel)

    async def _note(self, pharmacy_id: str, outbox_id: UUID, attempts: int, attempt: Attempt) -> None:
        database, jobs, problem = self.program.database, self.program.jobs, Problem(attempt.code, attempt.said)
        if attempt.delivery is Delivery.SENT:
            await database.transact(lambda tx: outbox.sent(tx, pharmacy_id, outbox_id), pharmacy_id)
        elif attempt.delivery is Delivery.REFUSED:
            await database.transact(lambda tx: outbox.park(tx, jobs, pharmacy_id, outbox_id, problem), pharmacy_id)
        else:
            tried = attempt.delivery is Delivery.AGAIN
            missed = self.misses[outbox_id] = self.misses.get(outbox_id, 0) + (not tried)
            wait = backoff_seconds(attempts + missed + tried, attempt.wait_seconds)
            await database.transact(
                lambda tx: outbox.note_problem(tx, pharmacy_id, outbox_id, problem, wait, tried=tried), pharmacy_id
            )
            raise Later(wait)
        self.misses.pop(outbox_id, None)

    async def give_up(self, job: Job, why: str) -> None:
        """Park a text that could not be delivered, so that a person sees it."""
        pharmacy_id, outbox_id = _names(job)
        problem = Problem(UnsentFor.GIVEN_UP, f"not delivered: {why}")
        await self.program.database.transact(
            lambda tx: outbox.park(tx, self.program.jobs, pharmacy_id, outbox_id, problem), pharmacy_id
        )


def backoff_seconds(attempts: int, asked_for: float | None) -> float:
    """Return how long to wait after so many attempts: doubled each time, spread, and what the channel asked for.

    Args:
        asked_for: the wait that the channel named, which is never cut short.
    """
    longest = min(FIRST_WAIT_SECONDS * 2 ** min(attempts - 1, 30), LONGEST_BACKOFF_SECONDS)
    # Spread over the upper half, so that a thousand texts that failed together do not come back together.
    return max(random.uniform(longest / 2, longest), asked_for or 0.0)  # noqa: S311 (no secret)


def _names(job: Job) -> tuple[str, UUID]:
    return str(job.arguments["pharmacy_id"]), UUID(str(job.arguments["outbox_id"]))
