"""Which node a run is in, written down as it goes on for the pharmacist who waits for its draft."""

import asyncio
import logging
from functools import partial

from pharmacy.storage import runs
from pharmacy.storage.background import end
from pharmacy.storage.begun import Begun
from pharmacy.storage.database import Database
from pharmacy.storage.refusals import StoreBusy

log = logging.getLogger(__name__)


class AtWork:
    """One run's place in the flow; the run never waits for it, and a node that was quick may be left out."""

    def __init__(self, database: Database, begun: Begun) -> None:
        self._database, self._begun = database, begun
        self._node = self._written = ""
        self._writing: asyncio.Task[None] | None = None

    def begins(self, node: str) -> None:
        """Write down that the run is in `node` now. Nobody waits for the draft of a run that a message began."""
        if self._begun.asked is None:
            return
        self._node = node
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="node_at_work")

    async def close(self) -> None:
        """Leave off; the run has ended."""
        if self._writing is not None:
            await end(self._writing)

    async def _write(self) -> None:
        while (node := self._node) != self._written:
            self._written = node
            try:
                note = partial(runs.note_node, begun=self._begun, node=node)
                await self._database.transact(note, self._begun.pharmacy_id)
            except StoreBusy:
                log.info("node_not_told conversation=%s node=%s", self._begun.conversation_id, node)
