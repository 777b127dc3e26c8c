"""The purse of one message's model calls: the store's count of what its patient and its pharmacy have spent today."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from pharmacy.domain.budget import Budgets, Reserved, Spend
from pharmacy.domain.errors import BudgetReached
from pharmacy.storage import spending
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.refusals import StoreBusy

TRIES = 3
"""How often the store is asked; all of a pharmacy's calls write one row, and a burst may wait for it too long."""

WAIT_SECONDS = 0.2
SPARE_PART = 0.5
"""Of the pharmacy's daily budget: once that much is spent, nothing more is asked beside the replies."""

Result = TypeVar("Result")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DayPurse:
    """What every worker counts together."""

    database: Database
    budgets: Budgets
    pharmacy_id: str
    patient_id: str

    async def reserve(self, most: Spend) -> Reserved:
        """Count `most` as spent.

        Raises:
            BudgetReached: the day's budget is used up.
            StoreBusy: what was spent cannot be known; without that no call is made.
        """
        try:
            return await self._patiently(
                lambda tx: spending.reserve(tx, self.pharmacy_id, self.patient_id, most, self.budgets)
            )
        except spending.Refused as refused:
            await self._tell(refused)
            raise BudgetReached(str(refused)) from None

    async def correct(self, reserved: Reserved, spent: Spend) -> None:
        """Count `spent` in place of what was reserved; where that cannot be written, the whole stays counted."""
        try:
            await self._patiently(lambda tx: spending.correct(tx, self.pharmacy_id, self.patient_id, reserved, spent))
        except StoreBusy:
            log.warning("spending_not_corrected tokens=%d", reserved.most.tokens - spent.tokens)

    async def _tell(self, refused: spending.Refused) -> None:
        """Say once a day, and not for each message, that a budget is used up."""
        try:
            first = await self._patiently(lambda tx: spending.note_refused(tx, self.pharmacy_id, refused))
        except StoreBusy:
            first = True
        if first and refused.patient_id is None:
            log.error("budget_reached pharmacy=%s %s", self.pharmacy_id, refused)
        elif first:
            log.warning("budget_reached pharmacy=%s %s", self.pharmacy_id, refused)

    async def _patiently(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        return await patiently(self.database, self.pharmacy_id, work)


@dataclass(frozen=True)
class SparePurse:
    """For what is asked beside the replies: it counts with them, and leaves them most of the day's budget."""

    database: Database
    budgets: Budgets
    pharmacy_id: str

    async def reserve(self, most: Spend) -> Reserved:
        """Count `most` as spent.

        Raises:
            BudgetReached: as much as may be spent beside replies is spent.
            StoreBusy: what was spent cannot be known; without that no call is made.
        """
        try:
            return await patiently(
                self.database, self.pharmacy_id,
                lambda tx: spending.reserve_beside(tx, self.pharmacy_id, most, self.budgets, SPARE_PART),
            )  # fmt: skip
        except spending.Refused as refused:
            raise BudgetReached(str(refused)) from None

    async def correct(self, reserved: Reserved, spent: Spend) -> None:
        """Count `spent` in place of what was reserved; where that cannot be written, the whole stays counted."""
        try:
            await patiently(
                self.database, self.pharmacy_id,
                lambda tx: spending.correct_beside(tx, self.pharmacy_id, reserved, spent),
            )  # fmt: skip
        except StoreBusy:
            log.warning("spending_not_corrected tokens=%d", reserved.most.tokens - spent.tokens)


async def patiently(database: Database, pharmacy_id: str, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
    """Return what `work` gives in a transaction; a busy store is asked a few times."""
    for left in reversed(range(TRIES)):
        try:
            return await database.transact(work, pharmacy_id)
        except StoreBusy:
            if not left:
                raise
            await asyncio.sleep(WAIT_SECONDS)
    raise AssertionError("TRIES is above 0")
