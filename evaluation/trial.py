"""What is to be asked of whom, on which rows of a dataset: made ready before anybody is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.answering import Asker
from evaluation.candidates import Candidate
from evaluation.cases import Case
from evaluation.expected_cost import expected_usd
from evaluation.judge_errors import JudgeErrors, errors_of
from evaluation.questions import Questions
from graph.assemble import Assembled
from pharmacy.domain.errors import ConfigError
from pharmacy.storage import datasets, people
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.datasets import DatasetVersion

HELD_OUT, TRAIN = "held_out", "train"


@dataclass(frozen=True)
class Wanted:
    """What is to be held against what."""

    node: str
    candidates: Sequence[Candidate]
    """The first is the one that the others are held against."""

    version: str | None = None
    """Of a dataset; None takes the node's newest."""

    split: str = HELD_OUT
    judge: str | None = None
    """The model that marks drafts; None takes the judge node's teacher."""

    most_rows: int | None = None
    """Of the split, the newest; None takes all."""

    actor: str = "command line"
    at_once: int = 8
    again: bool = False
    """Ask anew what was answered before."""


@dataclass(frozen=True)
class Trial:
    """Everything that is to be asked, before anybody is."""

    wanted: Wanted
    version: DatasetVersion
    cases: Sequence[Case]
    asker: Asker
    errors: JudgeErrors | None = None
    """Of the judge that marks, where somebody has measured them."""

    @property
    def expected_usd(self) -> float | None:
        """What it will cost about; None where a price is unknown."""
        return expected_usd(self.asker.questions, self.cases, self.wanted.candidates, self.asker.judge)


async def prepare(database: Database, pharmacy_id: str, assembled: Assembled, wanted: Wanted) -> Trial:
    """Return what is to be asked.

    Raises:
        NotHere: there is no such dataset.
        ConfigError: it stands under another prompt than the node now has, or holds no case of that split.
    """
    async with database.begin(pharmacy_id) as tx:
        version = await version_of(tx, pharmacy_id, wanted.node, wanted.version)
        splits = [wanted.split, *([TRAIN] if any(one.examples for one in wanted.candidates) else [])]
        rows = await datasets.rows_of(tx, pharmacy_id, version.version, splits)
        shelf = await people.catalogue(tx, pharmacy_id)
        judge = wanted.judge or assembled.registry.teacher_of("judge")
        errors = await errors_of(tx, pharmacy_id, judge, assembled.registry.fingerprint_of("judge"))
    _refuse_other_words(version, assembled, wanted)
    cases = _cases(wanted, [row for row in rows if row.split == wanted.split], version)
    shown = [Case.of(wanted.node, row) for row in rows if row.split == TRAIN]
    questions = Questions.of(wanted.node, assembled, sorted(shown, key=lambda case: case.id))
    return Trial(wanted, version, cases, Asker(questions, judge, shelf), errors if questions.writes else None)


async def version_of(tx: Transaction, pharmacy_id: str, node: str, version: str | None) -> DatasetVersion:
    """Return a dataset of the node: `version`, or the newest.

    Raises:
        NotHere: there is no such version.
        ConfigError: it is another node's, or the node has none.
    """
    if version is None:
        found = await datasets.versions(tx, pharmacy_id, node)
        if not found:
            raise ConfigError(f"{node}: has no dataset; expected one: kakari dataset build {node}")
        return found[0]
    one = await datasets.one_version(tx, pharmacy_id, version)
    if one.node != node:
        raise ConfigError(f"dataset {version!r} is of {one.node}; expected one of {node}")
    return one


def _refuse_other_words(version: DatasetVersion, assembled: Assembled, wanted: Wanted) -> None:
    now = assembled.registry.fingerprint_of(wanted.node)
    if version.prompt["fingerprint"] != now:
        raise ConfigError(
            f"dataset {version.version!r} stands under prompt {version.prompt['fingerprint']!r}, {wanted.node}'s is "
            f"now {now!r}; expected the same: kakari dataset build {wanted.node}"
        )


def _cases(wanted: Wanted, rows: Sequence[datasets.DatasetRow], version: DatasetVersion) -> list[Case]:
    cases = [case for row in rows if (case := Case.of(wanted.node, row)).can_be_asked(wanted.node)]
    if not cases:
        raise ConfigError(f"dataset {version.version!r}: holds no case of {wanted.split!r} that can be asked")
    newest = sorted(cases, key=lambda case: (case.row.row["asked_at"], case.id))[-(wanted.most_rows or len(cases)) :]
    return sorted(newest, key=lambda case: case.row.place)
