"""What models cost: counted before each call, put right after it, held against the budgets of day and month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.budget import Budgets, Cap, Reserved, Spend, refusal
from pharmacy.domain.errors import FlowError
from pharmacy.storage.refusals import StoreError
from pharmacy.storage.tables import spending

Owed = tuple[Reserved, Spend]
"""A call that has ended: what was reserved for it, and what it took."""

_SPEND = text("""
SELECT * FROM kakari_spend(
    :whose, :patient, :tokens, :cost_usd, :guessed_usd, :yen_per_usd, CAST(:day_tokens AS bigint[]),
    CAST(:day_yen AS float8[]), CAST(:month_yen AS float8[]), CAST(:owed_days AS timestamptz[]),
    CAST(:owed_tokens AS bigint[]), CAST(:owed_usd AS float8[]), CAST(:owed_guessed_usd AS float8[]))
""")
_PUT_RIGHT = text("""
SELECT kakari_put_spending_right(
    :whose, :patient, CAST(:owed_days AS timestamptz[]), CAST(:owed_tokens AS bigint[]),
    CAST(:owed_usd AS float8[]), CAST(:owed_guessed_usd AS float8[]))
""")
_SPENT = text("""
SELECT coalesce(sum(tokens) FILTER (WHERE day_began_at >= date_trunc('day', now(), 'Asia/Tokyo')), 0)::bigint,
       coalesce(sum(cost_usd) FILTER (WHERE day_began_at >= date_trunc('day', now(), 'Asia/Tokyo')), 0),
       coalesce(sum(guessed_usd) FILTER (WHERE day_began_at >= date_trunc('day', now(), 'Asia/Tokyo')), 0),
       coalesce(sum(tokens), 0)::bigint, coalesce(sum(cost_usd), 0), coalesce(sum(guessed_usd), 0)
FROM spending WHERE patient_id IS NULL AND day_began_at >= date_trunc('month', now(), 'Asia/Tokyo')
""")


class Refused(StoreError):
    """A budget is used up; says which, and the figures."""

    def __init__(self, said: str, day: datetime, patient_id: str | None) -> None:
        super().__init__(said)
        self.day = day
        self.patient_id = patient_id
        """None where the pharmacy's own budget is used up."""


@dataclass(frozen=True)
class Payer:
    """On whom a call counts."""

    pharmacy_id: str
    patient_id: str | None
    """None: on the pharmacy alone."""

    called: str = "the pharmacy"
    """What a refusal calls the budget that all share."""


async def reserve(
    connection: AsyncConnection, payer: Payer, most: Spend, budgets: Budgets, owed: Sequence[Owed] = ()
) -> Reserved:
    """Count `most` as spent today, once what earlier calls took is put right; in one statement.

    A call may be made while no budget is used up, so what is spent ends at most one call above it.

    Args:
        connection: without a transaction, as `Database.look` gives it.
        owed: what is put right whether or not `most` may be spent.

    Raises:
        Refused: a budget is used up; `most` is not counted.
        FlowError: the patient has been erased; nothing is counted or put right.
    """
    days, months = (budgets.patient, budgets.in_all), (budgets.patient_month, budgets.in_all_month)
    asked = {
        **_owed(payer, owed), "tokens": most.tokens, "cost_usd": most.cost_usd, "guessed_usd": most.guessed_usd,
        "yen_per_usd": budgets.rate.yen_per_usd, "day_tokens": [cap.tokens for cap in days],
        "day_yen": [cap.yen for cap in days], "month_yen": [cap.yen for cap in months],
    }  # fmt: skip
    try:
        row = (await connection.execute(_SPEND, asked)).one()
    except IntegrityError as error:
        raise FlowError("the patient is not there any more; expected one that has not been erased") from error
    if row.refused is None:
        return Reserved(row.day, most)
    of_patient = row.refused == "patient"
    caps: tuple[Cap, ...] = months if row.of_month else days
    figures = caps[0 if of_patient else 1].reached(Spend(row.tokens, row.cost_usd, row.guessed_usd), budgets.rate)
    said = refusal("this patient" if of_patient else payer.called, figures, row.day, of_month=row.of_month)
    raise Refused(said, row.day, payer.patient_id if of_patient else None)


async def put_right(connection: AsyncConnection, payer: Payer, owed: Sequence[Owed]) -> None:
    """Count what each call took in place of what was reserved, on the day for which it was; in one statement."""
    await connection.execute(_PUT_RIGHT, _owed(payer, owed))


async def note_refused(tx: AsyncConnection, pharmacy_id: str, refused: Refused) -> bool:
    """Keep that a budget is used up; say whether this is the first that is heard of it today."""
    where = (
        spending.c.pharmacy_id == pharmacy_id,
        spending.c.day_began_at == refused.day,
        spending.c.patient_id.is_not_distinct_from(refused.patient_id),
        spending.c.refusal.is_(None),
    )
    noted = await tx.execute(update(spending).where(*where).values(refusal=str(refused)))
    return bool(noted.rowcount)


async def spent(tx: AsyncConnection) -> tuple[Spend, Spend]:
    """Return what the pharmacy whose rows the transaction sees has spent today and this month, calls in hand too."""
    row = (await tx.execute(_SPENT)).one()
    return Spend(*row[:3]), Spend(*row[3:])


def _owed(payer: Payer, owed: Sequence[Owed]) -> dict[str, Any]:
    more = [(reserved.day, took.minus(reserved.most)) for reserved, took in owed]
    return {
        "whose": payer.pharmacy_id, "patient": payer.patient_id, "owed_days": [day for day, _ in more],
        "owed_tokens": [each.tokens for _, each in more], "owed_usd": [each.cost_usd for _, each in more],
        "owed_guessed_usd": [each.guessed_usd for _, each in more],
    }  # fmt: skip
