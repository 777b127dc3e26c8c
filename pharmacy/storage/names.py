"""Names that must not leave: other patients' in a text that is about to be sent, the staff's in what is traced."""

from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.tables import accounts, patients

SHORTEST_NAME = 3
"""Characters; a shorter name stands inside too many common words to be looked for."""


async def other_names_in(tx: AsyncConnection, pharmacy_id: str, patient_id: str, words: str) -> frozenset[str]:
    """Return the names of this pharmacy's other patients that stand in `words`, spaces and width aside.

    A name that is part of the patient's own is none of another.
    """
    name = patients.c.profile["name"].astext
    mine = (patients.c.pharmacy_id == pharmacy_id, patients.c.id == patient_id)
    own = (await tx.execute(select(_plain(name)).where(*mine))).scalar_one_or_none() or ""
    found = select(name).where(
        patients.c.pharmacy_id == pharmacy_id,
        patients.c.id != patient_id,
        func.length(_plain(name)) >= SHORTEST_NAME,
        func.strpos(_plain(literal(words)), _plain(name)) > 0,
        func.strpos(own, _plain(name)) == 0,
    )
    return frozenset((await tx.execute(found.distinct())).scalars())


async def staff_names(tx: AsyncConnection, pharmacy_id: str) -> tuple[str, ...]:
    """Return the names of everybody who has or had an account: patients and colleagues call them by these."""
    return tuple((await tx.execute(select(accounts.c.name).where(accounts.c.pharmacy_id == pharmacy_id))).scalars())


def _plain(column: Any) -> Any:
    return func.lower(func.regexp_replace(func.normalize(column), r"\s", "", "g"))
