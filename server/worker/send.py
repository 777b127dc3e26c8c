"""The job `send`: move one text from the outbox to its channel."""

import logging
from dataclasses import dataclass
from uuid import UUID

from pharmacy.channels.api import Delivery, Parcel
from pharmacy.storage import outbox
from pharmacy.storage.jobs import Job
from server.program import Program

ATTEMPTS = 12

log = logging.getLogger(__name__)


class NotDelivered(Exception):
    """The attempt failed and may be made again under the same key."""


@dataclass(frozen=True)
class SendJobs:
    """What a worker does for texts that go out."""

    program: Program

    async def send(self, job: Job) -> None:
        """Deliver one outbox row; done twice, the receiver drops the second by its key."""
        pharmacy_id, outbox_id = _names(job)
        database = self.program.database
        row = await database.transact(lambda tx: outbox.claim(tx, outbox_id), pharmacy_id)
        if row is None:
            return
        parcel = Parcel(str(row.retry_key), row.conversation_id, row.recipient, row.text, row.author)
        attempt = await self.program.channel.deliver(parcel)
        log.info("message_delivery conversation=%s result=%s", row.conversation_id, attempt.delivery)
        if attempt.delivery is Delivery.SENT:
            await database.transact(lambda tx: outbox.sent(tx, outbox_id), pharmacy_id)
        elif attempt.delivery is Delivery.REFUSED:
            await database.transact(lambda tx: outbox.park(tx, outbox_id, attempt.said), pharmacy_id)
        else:
            await database.transact(lambda tx: outbox.note_problem(tx, outbox_id, attempt.said), pharmacy_id)
            raise NotDelivered(attempt.said)

    async def give_up(self, job: Job, why: str) -> None:
        """Park a text that could not be delivered, so that a person sees it."""
        pharmacy_id, outbox_id = _names(job)
        await self.program.database.transact(
            lambda tx: outbox.park(tx, outbox_id, f"not delivered: {why}"), pharmacy_id
        )


def _names(job: Job) -> tuple[str, UUID]:
    return str(job.arguments["pharmacy_id"]), UUID(str(job.arguments["outbox_id"]))
