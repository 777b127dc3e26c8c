"""Students that are being measured for their first step, beside everything else that this process does."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage.background import end
from pharmacy.storage.database import Database
from pharmacy.storage.model_queue import ModelQueue
from pharmacy.storage.refusals import Conflict

if TYPE_CHECKING:
    from distillation.promoting import Asked, Promotion
    from graph.assemble import Assembled

log = logging.getLogger(__name__)


@dataclass
class Measuring:
    """One student, from the moment somebody let it be measured."""

    what: str = "answers"
    """`answers` or `whole_runs`."""

    done: int = 0
    of: int = 0
    """Answers or whole runs, of how many; 0 while that is not known."""

    found: "Promotion | None" = None
    """What came of it."""

    why_not: str = ""
    """A code of why nothing came of it: `unfinished`, `overtaken` or `failed`."""

    detail: str = ""
    task: asyncio.Task[None] | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended."""
        return self.task is not None and not self.task.done()


@dataclass
class Measurings:
    """Those of this process. What was answered is on record: another process that measures goes on from there."""

    known: dict[tuple[str, str], Measuring] = field(default_factory=dict)
    """Pharmacy and node to the newest one."""

    def of(self, pharmacy_id: str, node: str) -> Measuring | None:
        """Return the newest one of `node`."""
        return self.known.get((pharmacy_id, node))

    def start(self, database: Database, settings: Settings, asked: "Asked") -> Measuring:
        """Measure the student and let it take its first step if nothing speaks against it; one at a time of a node."""
        now = self.of(settings.pharmacy_id, asked.node)
        if now is not None and now.goes_on:
            return now
        begun = self.known[settings.pharmacy_id, asked.node] = Measuring()
        begun.task = asyncio.create_task(_measure(begun, database, settings, asked), name=f"measure_{asked.node}")
        return begun

    async def close(self) -> None:
        """Stop them all; what was answered is kept."""
        await end(*(one.task for one in self.known.values() if one.task is not None))


async def opened(database: Database, settings: Settings) -> "Assembled":
    """Return the flow once more, for trials: what they ask of other models never touches what serves."""
    from graph.assemble import assemble_from

    assembled = await asyncio.to_thread(assemble_from, settings)
    assembled.registry.queue = ModelQueue(database)
    return assembled


async def _measure(one: Measuring, database: Database, settings: Settings, asked: "Asked") -> None:
    from distillation.promoting import begin, decide
    from distillation.steps import NothingToPromote
    from evaluation.asking import Told, Unfinished
    from pharmacy.settings import endpoint_variables

    def told(what: str) -> Told:
        one.what, one.done, one.of = what.replace(" ", "_"), 0, 0

        def moved(done: int, of: int) -> None:
            one.done, one.of = done, of

        return moved

    assembled = await opened(database, settings)
    try:
        begun = await begin(database, settings, assembled, asked)
        if begun.contest is not None:
            assembled.registry.open_for(begun.contest.models, endpoint_variables(settings))
        found = await begun.judged(database, settings, assembled, told)
        one.found = await decide(database, settings, assembled, asked, found) if found.passes else found
    except (Unfinished, ConfigError) as error:
        one.why_not, one.detail = "unfinished", str(error)
    except (Conflict, NothingToPromote):
        one.why_not = "overtaken"
    except Exception:
        one.why_not = "failed"
        log.exception("measuring_failed node=%s", asked.node)
    finally:
        await assembled.registry.aclose()
