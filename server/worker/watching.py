"""The watch over students that serve: look every two seconds, and let the teacher serve again where one has fallen."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from distillation.acceptance import Acceptance
from distillation.datasets.rules import read_rules
from distillation.plan import load_plan
from distillation.watching import Watching, look, who_is_watched
from pharmacy.domain.errors import ConfigError
from pharmacy.storage import pharmacies, servings
from pharmacy.storage.refusals import StoreBusy
from server.program import Program

LOOK_SECONDS = 2.0
READ_AGAIN_SECONDS = 60.0
"""After what time a plan that could not be read is read again, and whoever looks after the log told again."""

log = logging.getLogger(__name__)


@dataclass
class StudentWatch:
    """Looks after every node that has a student."""

    program: Program
    watchings: dict[str, Watching | None] = field(default_factory=dict)
    """Node to what it is watched by; None where nothing says by what."""

    unread: dict[str, float] = field(default_factory=dict)
    """Node to when its plan could not be read last."""

    async def look(self) -> int:
        """Look at every node of every pharmacy; return how many teachers serve again for it."""
        registry = self.program.assembled.registry
        nodes = [node for node in registry.tables.nodes if registry.student_of(node) is not None]
        served = await pharmacies.served(self.program.database) if nodes else []
        return sum([await self._look_at(pharmacy_id, nodes) for pharmacy_id in served])

    async def _look_at(self, pharmacy_id: str, nodes: Sequence[str]) -> int:
        async with self.program.database.begin(pharmacy_id) as tx:
            decided = await servings.decided(tx, pharmacy_id)
        watched = [node for node in nodes if who_is_watched(self.program.assembled, node, decided.get(node))]
        return sum([await self._look(pharmacy_id, node) for node in watched])

    async def _look(self, pharmacy_id: str, node: str) -> bool:
        by = self._by(node)
        if by is None:
            return False
        try:
            seen = await look(self.program.database, self.program.jobs, self.program.assembled, pharmacy_id, by)
        except StoreBusy as error:
            log.warning("watch_put_off node=%s reason=%s", node, error)
            return False
        except Exception:
            # One node's trouble must not keep the others' students from being watched.
            log.exception("watch_failed node=%s", node)
            return False
        if seen is None or not seen.stepped_back:
            return False
        log.error("stepped_back node=%s student=%s accepted=%g cases=%d bound=%g", node, seen.watched.student,
                  seen.state.accepted, seen.state.cases, seen.state.bound)  # fmt: skip
        return True

    def _by(self, node: str) -> Watching | None:
        if self.watchings.get(node) is None and time.monotonic() - self.unread.get(node, -inf) >= READ_AGAIN_SECONDS:
            self.watchings[node] = self._read(node)
        return self.watchings.get(node)

    def _read(self, node: str) -> Watching | None:
        flow = self.program.assembled.flow
        try:
            return Watching(
                node, load_plan(node, flow, self.program.settings.plans_folder), Acceptance(node, flow, read_rules())
            )
        except ConfigError as error:
            self.unread[node] = time.monotonic()
            log.error("student_not_watched node=%s reason=%s", node, error)
            return None


async def watch_students(program: Program) -> None:
    """Look as long as the worker runs."""
    watch = StudentWatch(program)
    while True:
        try:
            await watch.look()
        except StoreBusy as error:
            log.warning("watch_put_off reason=%s", error)
        except Exception:
            log.exception("watch_failed")
        await asyncio.sleep(LOOK_SECONDS)
