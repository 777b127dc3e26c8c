"""The purse of one message's model calls: the store's count of what its patient and its pharmacy have spent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from pharmacy.domain.budget import Budgets, Reserved, Spend
from pharmacy.domain.errors import BudgetReached
from pharmacy.storage import spending
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.refusals import StoreBusy
from pharmacy.storage.spending import Owed, Payer

TRIES = 3
"""How often the store is asked; all of a pharmacy's calls write one row, and a burst may wait for it too long."""

WAIT_SECONDS = 0.2
SPARE_PART = 0.5
"""Of the pharmacy's budgets: once that much is spent, nothing more is asked beside the replies."""

Result = TypeVar("Result")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DayPurse:
    """What every worker counts together."""

    database: Database
    budgets: Budgets
    pharmacy_id: str
    patient_id: str | None
    """None: it counts on the pharmacy alone, and nobody is told that a budget is used up."""

    called: str = "the pharmacy"
    owed: list[Owed] = field(default_factory=list)
    """Calls that have ended and are still counted in full; they go along with the next one, or with `settle`."""

    async def reserve(self, most: Spend, *, saves: bool = False) -> Reserved:
        """Count `most` as spent.

        Args:
            saves: whether a cheaper model stands ready, for the sake of which this call may be refused earlier.

        Raises:
            BudgetReached: a budget is used up, or nearly so where it `saves`.
            StoreBusy: what was spent cannot be known; without that no call is made.
        """
        budgets = self.budgets.times(self.budgets.cheaper_from) if saves else self.budgets
        owed = self._taken_up()
        try:
            return await self._patiently(lambda look: spending.reserve(look, self._payer, most, budgets, owed))
        except spending.Refused as refused:
            if not saves and self.patient_id is not None:
                await self._tell(refused)
            raise BudgetReached(str(refused)) from None
        except BaseException:
            self.owed.extend(owed)
            raise

    async def correct(self, reserved: Reserved, spent: Spend) -> None:
        """Count `spent` in place of what was reserved, with the next call or the message's end."""
        self.owed.append((reserved, spent))

    async def settle(self) -> None:
        """Put right whatever is still counted in full; where that cannot be written, it stays so."""
        owed = self._taken_up()
        if not owed:
            return
        try:
            await self._patiently(lambda look: spending.put_right(look, self._payer, owed))
        except StoreBusy:
            tokens = sum(reserved.most.tokens - spent.tokens for reserved, spent in owed)
            log.warning("spending_not_corrected tokens=%d", tokens)

    @property
    def _payer(self) -> Payer:
        return Payer(self.pharmacy_id, self.patient_id, self.called)

    def _taken_up(self) -> list[Owed]:
        owed = self.owed[:]
        self.owed.clear()
        return owed

    async def _tell(self, refused: spending.Refused) -> None:
        """Say once a day, and not for each message, that a budget is used up."""
        try:
            first = await _again(
                lambda: self.database.transact(
                    lambda tx: spending.note_refused(tx, self.pharmacy_id, refused), self.pharmacy_id
                )
            )
        except StoreBusy:
            first = True
        if first and refused.patient_id is None:
            log.error("budget_reached pharmacy=%s %s", self.pharmacy_id, refused)
        elif first:
            log.warning("budget_reached pharmacy=%s %s", self.pharmacy_id, refused)

    async def _patiently(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        async def once() -> Result:
            async with self.database.look() as connection:
                return await work(connection)

        return await _again(once)


def spare_purse(database: Database, budgets: Budgets, pharmacy_id: str) -> DayPurse:
    """Return a purse for what is asked beside the replies: it leaves them most of the pharmacy's budgets."""
    called = f"what is asked beside the replies, {SPARE_PART:.0%} of the pharmacy's"
    return DayPurse(database, budgets.times(SPARE_PART), pharmacy_id, None, called)


async def _again(ask: Callable[[], Awaitable[Result]]) -> Result:
    """Return what `ask` gives; a busy store is asked a few times."""
    for left in reversed(range(TRIES)):
        try:
            return await ask()
        except StoreBusy:
            if not left:
                raise
            await asyncio.sleep(WAIT_SECONDS)
    raise AssertionError("TRIES is above 0")
