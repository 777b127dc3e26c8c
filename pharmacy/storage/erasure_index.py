"""Who was erased, kept outside the database: a restored backup knows nothing of an erasure that came after it."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from pharmacy.storage import erasure
from pharmacy.storage.database import Database
from pharmacy.storage.tables import conversations, patients

NAME = "erasures.jsonl"


def note(home: Path, pharmacy_id: str, reference: str) -> None:
    """Add an erasure to the list in `home`, on disk at the return: a hash and a time, nothing a patient is read by.

    To be called before the erasure: one that ends in between is made up for by the list, and never forgotten.
    """
    home.mkdir(parents=True, exist_ok=True)
    row = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "pharmacy": pharmacy_id,
        "reference": reference,
    }
    path = home / NAME
    path.touch(mode=0o600)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
        file.flush()
        os.fsync(file.fileno())


def noted(home: Path, pharmacy_id: str) -> frozenset[str]:
    """Return the references of the pharmacy's erased patients; a line that a crash cut short is left out."""
    return frozenset(row["reference"] for row in _rows(home / NAME) if row.get("pharmacy") == pharmacy_id)


async def erase_again(database: Database, pharmacy_id: str, references: frozenset[str], actor: str) -> int:
    """Erase every patient on the list whom the database knows, such as after a restore; return how many there were."""
    async with database.begin(pharmacy_id) as tx:
        known = set((await tx.execute(select(patients.c.id).where(patients.c.pharmacy_id == pharmacy_id))).scalars())
        of = select(conversations.c.patient_id).where(conversations.c.pharmacy_id == pharmacy_id)
        known |= set((await tx.execute(of)).scalars())
    returned = sorted(each for each in known if erasure.reference_of(pharmacy_id, each) in references)
    for patient_id in returned:
        await erasure.erase(database, pharmacy_id, patient_id, actor)
    return len(returned)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue
