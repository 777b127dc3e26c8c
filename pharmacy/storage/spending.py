"""What models cost today: counted before each call, put right after it, held against the day's budgets."""

from datetime import datetime
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.budget import Budgets, Cap, Reserved, Spend, refusal
from pharmacy.domain.errors import FlowError
from pharmacy.storage.refusals import StoreError
from pharmacy.storage.tables import spending

# The database's clock, which all workers share.
_COUNT = text("""
INSERT INTO spending (pharmacy_id, day_began_at, patient_id, tokens, cost_usd, guessed_usd)
VALUES (:pharmacy_id, date_trunc('day', now(), 'Asia/Tokyo'), :patient_id, :tokens, :cost_usd, :guessed_usd)
ON CONFLICT (pharmacy_id, day_began_at, patient_id) DO UPDATE SET
    tokens = spending.tokens + excluded.tokens,
    cost_usd = spending.cost_usd + excluded.cost_usd,
    guessed_usd = spending.guessed_usd + excluded.guessed_usd
RETURNING day_began_at, tokens, cost_usd, guessed_usd
""")


class Refused(StoreError):
    """A budget is used up; says which, and the figures."""

    def __init__(self, said: str, day: datetime, patient_id: str | None) -> None:
        super().__init__(said)
        self.day = day
        self.patient_id = patient_id
        """None where the pharmacy's own budget is used up."""


async def reserve(tx: AsyncConnection, pharmacy_id: str, patient_id: str, most: Spend, budgets: Budgets) -> Reserved:
    """Count `most` as spent today.

    A call may be made while a budget is not used up, so what is spent ends at most one call above it.

    Raises:
        Refused: a budget is used up; the transaction must not be committed.
        FlowError: the patient has been erased.
    """
    # Always the patient's row first, so that no two wait for each other, and the row that all share is held shortest.
    rows: tuple[tuple[str | None, Cap, str], ...] = (
        (patient_id, budgets.patient, "this patient"),
        (None, budgets.in_all, "the pharmacy"),
    )
    for of, cap, whose in rows:
        row = await _count(tx, pharmacy_id, of, most)
        day: datetime = row.day_began_at
        before = Spend(row.tokens, row.cost_usd, row.guessed_usd).minus(most)
        if figures := cap.reached(before, budgets.rate):
            raise Refused(refusal(whose, figures, day), day, of)
    return Reserved(day, most)


async def reserve_beside(tx: AsyncConnection, pharmacy_id: str, most: Spend, budgets: Budgets, part: float) -> Reserved:
    """Count `most` as spent today by the pharmacy, and by no patient.

    Args:
        part: of the pharmacy's budget, 0 to 1: once that much is spent, by whatever, nothing more is.

    Raises:
        Refused: as much is spent; the transaction must not be committed.
    """
    row = await _count(tx, pharmacy_id, None, most)
    day: datetime = row.day_began_at
    before = Spend(row.tokens, row.cost_usd, row.guessed_usd).minus(most)
    if figures := budgets.in_all.times(part).reached(before, budgets.rate):
        whose = f"what is asked beside the replies, {part:.0%} of the pharmacy's"
        raise Refused(refusal(whose, figures, day), day, None)
    return Reserved(day, most)


async def correct_beside(tx: AsyncConnection, pharmacy_id: str, reserved: Reserved, spent: Spend) -> None:
    """Count `spent` in place of what `reserve_beside` has counted."""
    await _correct(tx, pharmacy_id, reserved, spent, (None,))


async def correct(tx: AsyncConnection, pharmacy_id: str, patient_id: str, reserved: Reserved, spent: Spend) -> None:
    """Count `spent` in place of what was reserved, on the day for which it was."""
    await _correct(tx, pharmacy_id, reserved, spent, (patient_id, None))


async def note_refused(tx: AsyncConnection, pharmacy_id: str, refused: Refused) -> bool:
    """Keep that the day's budget is used up; say whether this is the first that is heard of it."""
    where = (*_row(pharmacy_id, refused.day, refused.patient_id), spending.c.refusal.is_(None))
    noted = await tx.execute(update(spending).where(*where).values(refusal=str(refused)))
    return bool(noted.rowcount)


async def _correct(
    tx: AsyncConnection, pharmacy_id: str, reserved: Reserved, spent: Spend, whose: tuple[str | None, ...]
) -> None:
    more = spent.minus(reserved.most)
    values = {
        "tokens": spending.c.tokens + more.tokens,
        "cost_usd": spending.c.cost_usd + more.cost_usd,
        "guessed_usd": spending.c.guessed_usd + more.guessed_usd,
    }
    for of in whose:
        await tx.execute(update(spending).where(*_row(pharmacy_id, reserved.day, of)).values(**values))


async def _count(tx: AsyncConnection, pharmacy_id: str, patient_id: str | None, most: Spend) -> Any:
    row = {"pharmacy_id": pharmacy_id, "patient_id": patient_id, "tokens": most.tokens, "cost_usd": most.cost_usd,
           "guessed_usd": most.guessed_usd}  # fmt: skip
    try:
        return (await tx.execute(_COUNT, row)).one()
    except IntegrityError as error:
        raise FlowError("the patient is not there any more; expected one that has not been erased") from error


def _row(pharmacy_id: str, day: datetime, patient_id: str | None) -> tuple[Any, ...]:
    return (
        spending.c.pharmacy_id == pharmacy_id,
        spending.c.day_began_at == day,
        spending.c.patient_id.is_not_distinct_from(patient_id),
    )
