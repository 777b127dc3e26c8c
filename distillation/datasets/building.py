"""Build a dataset version of one node from what is recorded."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from distillation.datasets.annotated import Annotated
from distillation.datasets.candidates import Candidate, Candidates
from distillation.datasets.choosing import canonical, choose
from distillation.datasets.labelling import Labelling
from distillation.datasets.manifest import Rows, manifest
from distillation.datasets.other_names import OtherNames
from distillation.datasets.rules import Rules, read_rules
from distillation.datasets.splitting import assigned
from distillation.datasets.stored import Stored
from distillation.datasets.target_gate import TargetGate
from distillation.datasets.words_of_node import NodeWords
from pharmacy.domain.gates.claims import LintContext
from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.settings import Settings
from pharmacy.storage import annotating, datasets, names, people
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.datasets import DatasetRow, DatasetVersion
from pharmacy.storage.recorded_calls import conversations_with, recorded_calls
from prompts.load import guarded_words

AT_ONCE = 100
"""Conversations that are read in one transaction."""

Told = Callable[[int, int], None]
"""Is told how many conversations are read, of how many."""


class NothingToLearn(Exception):
    """No record may become a row."""

    def __init__(self, node: str, left_out: Mapping[str, int]) -> None:
        super().__init__(f"{node}: no record may become a row")
        self.left_out = dict(sorted(left_out.items()))


@dataclass(frozen=True)
class Built:
    """What came of a build."""

    version: DatasetVersion
    is_new: bool
    """False where the newest version holds the very same rows: then nothing was written."""


@dataclass(frozen=True)
class Wanted:
    """What is to be built."""

    node: str
    most_rows: int | None = None
    """Of the training split; None takes all."""

    actor: str = "command line"

    held_out_share: float | None = None
    """Of the patients who are in no split yet, 0 to 1; None: what brings everybody's share to the shipped rule."""


async def build(
    database: Database, settings: Settings, wanted: Wanted, rules: Rules | None = None,
    told: Told = lambda _done, _of: None, stored: Stored | None = None,
) -> Built:  # fmt: skip
    """Return the node's dataset of today: a new version, or the newest one where nothing has changed.

    Args:
        stored: only of answers that the provider has kept; None takes every record.

    Raises:
        ConfigError: there is no such node, or a file is not as it must be.
        NothingToLearn: no record may become a row; says why not, each reason with its count.
        StoreBusy: the database cannot serve now; nothing was written.
    """
    rules = rules or read_rules()
    words = NodeWords.of(wanted.node, settings)
    making, annotated = await _making(database, settings, words, rules)
    found = await _read(database, settings.pharmacy_id, words, making, told, stored)
    async with database.begin(settings.pharmacy_id) as tx:
        return await _write(tx, settings.pharmacy_id, wanted, words, rules, making, found, annotated, stored)


async def _making(
    database: Database, settings: Settings, words: NodeWords, rules: Rules
) -> tuple[Candidates, Annotated]:
    async with database.begin(settings.pharmacy_id) as tx:
        patients = await datasets.patient_names(tx, settings.pharmacy_id)
        staff = await names.staff_names(tx, settings.pharmacy_id)
        catalogue = await people.catalogue(tx, settings.pharmacy_id)
        said = await annotating.labels_of(tx, settings.pharmacy_id, words.node)
    guarded = (guarded_words(words.words.prompt, words.folder),)
    context = LintContext(prompt_texts=guarded, allowed_contacts=settings.contacts)
    gate = TargetGate(rules, context, catalogue, Recogniser.load())
    annotated = Annotated(Labelling(words.node, words.flow, rules), words.node, words.flow, said)
    return Candidates(words, annotated, gate, OtherNames(patients), staff, rules.top_up), annotated


async def _read(
    database: Database, pharmacy_id: str, words: NodeWords, making: Candidates, told: Told,
    stored: Stored | None,
) -> list[Candidate]:  # fmt: skip
    async with database.begin(pharmacy_id) as tx:
        every = await conversations_with(tx, pharmacy_id, words.node)
    found: list[Candidate] = []
    for at in range(0, len(every), AT_ONCE):
        async with database.begin(pharmacy_id) as tx:
            calls = await recorded_calls(tx, pharmacy_id, words.node, every[at : at + AT_ONCE], words.flow.window_turns)
        found += making.of(stored.kept(calls) if stored else calls)
        told(min(at + AT_ONCE, len(every)), len(every))
    return found


async def _write(
    tx: Transaction, pharmacy_id: str, wanted: Wanted, words: NodeWords, rules: Rules, making: Candidates,
    found: Sequence[Candidate], annotated: Annotated, stored: Stored | None,
) -> Built:  # fmt: skip
    await datasets.begin_writing(tx, pharmacy_id)
    left = await datasets.still_usable(tx, pharmacy_id, {one.seq for one in found})
    usable = [one for one in found if one.seq in left]
    splits = await _splits(tx, pharmacy_id, usable, rules, wanted.held_out_share)
    chosen = choose(usable, splits, rules, wanted.most_rows)
    left_out = making.left_out + chosen.left_out + Counter({"gone_meanwhile": len(found) - len(usable)})
    left_out += stored.unmatched() if stored else Counter()
    if not chosen.rows:
        raise NothingToLearn(wanted.node, left_out)
    prompt = {"file": words.words.prompt, "frame": words.words.frame, "fingerprint": words.fingerprint,
              "system": words.system}  # fmt: skip
    rows_hash = _hash(wanted.node, prompt, chosen.rows)
    before = await datasets.versions(tx, pharmacy_id, wanted.node)
    if before and before[0].rows_hash == rows_hash and not before[0].lost:
        return Built(before[0], is_new=False)
    number = before[0].number + 1 if before else 1
    said = manifest(words, chosen.rows, left_out, making.production, annotated.counted, wanted.most_rows)
    said["held_out_share"] = wanted.held_out_share
    version = DatasetVersion(
        f"{wanted.node}-{number}", wanted.node, number, rows_hash, prompt, said, wanted.actor, datetime.now(UTC), {}
    )
    await datasets.write(tx, pharmacy_id, wanted.actor, version, _kept(chosen.rows))
    return Built(version, is_new=True)


async def _splits(
    tx: Transaction, pharmacy_id: str, usable: Sequence[Candidate], rules: Rules, held_out_share: float | None
) -> Mapping[str, str]:
    known = await datasets.splits(tx, pharmacy_id)
    first_seen: dict[str, datetime] = {}
    for one in usable:
        first_seen[one.patient_id] = min(one.asked_at, first_seen.get(one.patient_id, one.asked_at))
    new = assigned(first_seen, known, rules.split, held_out_share)
    await datasets.assign(tx, pharmacy_id, new)
    return known | new


def _kept(rows: Rows) -> list[DatasetRow]:
    return [
        DatasetRow(
            place, split, one.patient_id, one.conversation_id, one.conversation_version, one.row,
            hashlib.sha256(canonical(one.row).encode()).hexdigest(),
        )
        for place, (split, one) in enumerate(rows)
    ]  # fmt: skip


def _hash(node: str, prompt: Mapping[str, str], rows: Rows) -> str:
    digest = hashlib.sha256(canonical({"node": node, "prompt": prompt}).encode())
    for split, one in rows:
        digest.update(b"\n" + canonical([split, one.row]).encode())
    return digest.hexdigest()
