"""The job `send`: move one text from the outbox to its channel."""

import logging
import random
from dataclasses import dataclass
from uuid import UUID

from pharmacy.channels.delivery import Delivery, Parcel
from pharmacy.storage import outbox
from pharmacy.storage.automatic import may_still_go
from pharmacy.storage.jobs import Job, Later
from server.program import Program

FIRST_WAIT_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 300.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SendJobs:
    """What a worker does for texts that go out."""

    program: Program

    async def send(self, job: Job) -> None:
        """Deliver one outbox row; done twice, the receiver drops the second by its key.

        Raises:
            Later: its time has not come, or the attempt failed and is made again under the same key.
        """
        pharmacy_id, outbox_id = _names(job)
        database, jobs = self.program.database, self.program.jobs
        may_go = may_still_go(self.program.assembled.policy)
        row = await database.transact(lambda tx: outbox.claim(tx, jobs, pharmacy_id, outbox_id, may_go), pharmacy_id)
        if row is None:
            return
        if isinstance(row, outbox.Held):
            raise Later(row.seconds)
        parcel = Parcel(str(row.retry_key), row.conversation_id, row.recipient, row.text, row.author, pharmacy_id)
        attempt = await self.program.channels[row.channel].deliver(parcel)
        log.info("message_delivery conversation=%s result=%s", row.conversation_id, attempt.delivery)
        if attempt.delivery is Delivery.SENT:
            await database.transact(lambda tx: outbox.sent(tx, pharmacy_id, outbox_id), pharmacy_id)
        elif attempt.delivery is Delivery.REFUSED:
            await database.transact(lambda tx: outbox.park(tx, jobs, pharmacy_id, outbox_id, attempt.said), pharmacy_id)
        else:
            wait = backoff_seconds(row.attempts + 1, attempt.wait_seconds)
            await database.transact(
                lambda tx: outbox.note_problem(tx, pharmacy_id, outbox_id, attempt.said, wait), pharmacy_id
            )
            raise Later(wait)

    async def give_up(self, job: Job, why: str) -> None:
        """Park a text that could not be delivered, so that a person sees it."""
        pharmacy_id, outbox_id = _names(job)
        await self.program.database.transact(
            lambda tx: outbox.park(tx, self.program.jobs, pharmacy_id, outbox_id, f"not delivered: {why}"), pharmacy_id
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
