"""The job `media`: fetch one file that a patient sent, and keep it behind the pharmacy's wall."""

import logging
from dataclasses import dataclass

from pharmacy.channels.line.content import LineContent, NotFetched
from pharmacy.storage import media
from pharmacy.storage.jobs import Job
from pharmacy.storage.media import File, Of
from server.program import Program

ATTEMPTS = 9
"""The last start comes about four minutes after the first: LINE prepares a long film in less."""

log = logging.getLogger(__name__)


class NotThere(Exception):
    """LINE does not give the file now and may later."""


@dataclass(frozen=True)
class MediaJobs:
    """What a worker does for files."""

    program: Program
    content: LineContent

    async def fetch(self, job: Job) -> None:
        """Fetch one file; done twice, the second finds it kept.

        Raises:
            NotThere: a later start may have it.
        """
        of = _of(job)
        async with self.program.database.begin(of.pharmacy_id) as tx:
            row = await media.waiting(tx, of)
        if row is None:
            return
        account = next((a for a in self.program.line_accounts if a.pharmacy_id == of.pharmacy_id), None)
        if account is None:
            raise NotThere(f"pharmacy {of.pharmacy_id!r} has no LINE account here")
        found = await self.content.fetch(account.access_token, row.channel_message_id, row.kind)
        if isinstance(found, NotFetched):
            log.info("file_not_fetched message=%s again=%s said=%s", of.message_id, found.again, found.said)
            if found.again:
                raise NotThere(found.said)
            await self._refuse(of, found.said)
            return
        file = File(found.content_type, found.content)
        await self.program.database.transact(lambda tx: media.store(tx, of, file), of.pharmacy_id)

    async def give_up(self, job: Job, why: str) -> None:
        """Say on the message that its file could not be had."""
        await self._refuse(_of(job), f"LINE did not give the file: {why}")

    async def _refuse(self, of: Of, said: str) -> None:
        await self.program.database.transact(lambda tx: media.refuse(tx, of, said), of.pharmacy_id)


def _of(job: Job) -> Of:
    told = job.arguments
    return Of(str(told["pharmacy_id"]), str(told["conversation_id"]), str(told["message_id"]))
