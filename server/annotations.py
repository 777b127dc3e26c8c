"""Labels from LangSmith: what people said there of runs that they looked at again, read into our own records."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from pharmacy.observing.annotation import AnnotationQueue, Reviewed
from pharmacy.observing.langsmith_client import LangSmith
from pharmacy.observing.trace import ROOT, passage_id
from pharmacy.storage import annotating, audit
from pharmacy.storage.annotating import Kept, Label, Put
from pharmacy.storage.database import Database

GENERATE = "generate"
OF_A_RUN = frozenset({"classify", "switch_phase", "judge"})
"""Keys that name a node when they are said of a whole run."""


@dataclass(frozen=True)
class Pulled:
    """What a pull came to."""

    reviewed: int
    """Runs whose review is over."""

    labels: Kept


async def pull(database: Database, pharmacy_id: str, langsmith: LangSmith, actor: str) -> Pulled:
    """Read the labels of every run whose review is over; pulled again, nothing is added twice.

    Raises:
        ConfigError: no key is set.
        LangSmithFailed: LangSmith could not be read; nothing was kept.
    """
    queue = AnnotationQueue(langsmith, pharmacy_id)
    done = await queue.done()
    async with database.begin(pharmacy_id) as tx:
        places = _places(await annotating.put_of(tx, pharmacy_id, done))
    said = await queue.said_of(sorted(places))
    labels = [_label(each, *places[each.run_id]) for each in said if each.run_id in places]
    async with database.begin(pharmacy_id) as tx:
        kept = await annotating.keep(tx, pharmacy_id, labels)
        counts = {"reviewed": len(done), "added": kept.added, "changed": kept.changed}
        await audit.append(tx, pharmacy_id, actor, "annotations_pulled", queue.name, counts)
    return Pulled(len(done), kept)


def _places(put: list[Put]) -> Mapping[UUID, tuple[Put, str | None]]:
    """Return where something may have been said: the run itself, or the passage of a node."""
    places: dict[UUID, tuple[Put, str | None]] = {}
    for run in put:
        places[run.run_id] = (run, None)
        places |= {passage_id(run.run_id, number, node): (run, node) for number, node in enumerate(run.nodes)}
    return places


def _label(said: Reviewed, run: Put, node: str | None) -> Label:
    corrected = said.correction if said.correction is not None else said.value
    return Label(
        said.feedback_id, run.run_id, run.conversation_id, node or _node(said.key, run), said.key, corrected,
        said.score, said.comment, said.reviewer, said.changed_at,
    )  # fmt: skip


def _node(key: str, run: Put) -> str:
    """Return the node that a key names, of feedback that was said of the whole run."""
    if key == GENERATE and run.category is not None:
        return f"{GENERATE}_{run.category}"
    return key if key in OF_A_RUN else ROOT
