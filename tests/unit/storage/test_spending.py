"""What is spent is counted together, survives, ends at most one call above the bound, and leaves with its patient."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import psycopg
import pytest

from pharmacy.domain.budget import JAPAN, Budgets, Cap, Rate, Spend
from pharmacy.domain.errors import BudgetReached, FlowError
from pharmacy.settings import Settings
from pharmacy.storage import erasure, people
from pharmacy.storage.database import Database, open_database
from server.worker.purse import DayPurse

Owner = psycopg.Connection[tuple[object, ...]]
NO_END = Cap(None, None)
RATE = Rate(150.0, date(2026, 11, 22))
CALL = Spend(100, 0.01)


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[Database]:
    """Return the same database as another process has it open."""
    opened = await open_database(settings)
    yield opened
    await asyncio.shield(opened.close())


async def _purse(
    database: Database,
    patient_id: str = "p",
    *,
    patient: Cap = NO_END,
    in_all: Cap = NO_END,
    patient_month: Cap = NO_END,
    in_all_month: Cap = NO_END,
) -> DayPurse:
    async with database.begin(database.pharmacy_id) as tx:
        await people.put_patient(tx, database.pharmacy_id, patient_id, {})
    budgets = Budgets(patient, in_all, RATE, patient_month, in_all_month, cheaper_from=0.5)
    return DayPurse(database, budgets, database.pharmacy_id, patient_id)


def _spent(owner: Owner) -> dict[object, tuple[object, ...]]:
    found = owner.execute("SELECT patient_id, tokens, cost_usd, guessed_usd FROM spending").fetchall()
    return {row[0]: row[1:] for row in found}


async def test_what_was_reserved_gives_way_to_what_it_cost(database: Database, owner: Owner) -> None:
    purse = await _purse(database)

    reserved = await purse.reserve(Spend(500, 0.5, 0.5))
    in_hand = _spent(owner)
    await purse.correct(reserved, Spend(200, 0.25, 0.25))
    await purse.settle()

    assert in_hand == {"p": (500, 0.5, 0.5), None: (500, 0.5, 0.5)}
    assert _spent(owner) == {"p": (200, 0.25, 0.25), None: (200, 0.25, 0.25)}


@pytest.mark.parametrize(
    ("caps", "said"),
    [
        pytest.param({"patient": Cap(100, None)}, "this patient is used up: 100 of 100 tokens", id="patients-tokens"),
        pytest.param({"patient": Cap(None, 1)}, "this patient is used up: 2 of 1 yen", id="patients-yen"),
        pytest.param({"in_all": Cap(100, None)}, "the pharmacy is used up: 100 of 100 tokens", id="all-tokens"),
        pytest.param({"in_all": Cap(None, 1)}, "the pharmacy is used up: 2 of 1 yen", id="all-yen"),
        pytest.param({"patient_month": Cap(None, 1)}, "the monthly budget of this patient.*2 of 1 yen in", id="month"),
        pytest.param({"in_all_month": Cap(None, 1)}, "the monthly budget of the pharmacy.*2 of 1 yen", id="all-month"),
    ],
)
async def test_a_used_up_budget_refuses_with_the_figures_and_counts_nothing(
    database: Database, owner: Owner, caps: dict[str, Cap], said: str
) -> None:
    purse = await _purse(database, "p", **caps)
    await purse.reserve(CALL)

    with pytest.raises(BudgetReached, match=said):
        await purse.reserve(CALL)

    assert _spent(owner) == {"p": (100, 0.01, 0), None: (100, 0.01, 0)}


async def test_one_patients_budget_is_not_anothers(database: Database) -> None:
    await (await _purse(database, "p", patient=Cap(100, None))).reserve(CALL)

    await (await _purse(database, "q", patient=Cap(100, None))).reserve(CALL)


async def test_another_pharmacy_has_a_budget_of_its_own(database: Database) -> None:
    purse = await _purse(database, in_all=Cap(100, None))
    await purse.reserve(CALL)
    async with database.begin("elsewhere") as tx:
        await people.put_patient(tx, "elsewhere", "p", {})

    await replace(purse, pharmacy_id="elsewhere").reserve(CALL)


@pytest.mark.parametrize("whose", ["patient_month", "in_all_month"])
async def test_a_month_is_what_its_days_come_to_and_begins_anew_on_the_first_in_japan(
    database: Database, owner: Owner, whose: str
) -> None:
    purse, begins = await _purse(database, **{whose: Cap(None, 2)}), "date_trunc('month', now(), 'Asia/Tokyo')"
    await purse.reserve(CALL)
    owner.execute(f"UPDATE spending SET day_began_at = {begins}")
    await purse.reserve(CALL)

    with pytest.raises(BudgetReached, match="monthly budget"):
        await purse.reserve(CALL)
    owner.execute(f"UPDATE spending SET day_began_at = {begins} - interval '1 day' WHERE day_began_at = {begins}")
    await purse.reserve(CALL)


async def test_what_could_be_asked_more_cheaply_is_refused_earlier_and_nobody_is_told_yet(
    database: Database, owner: Owner
) -> None:
    purse = await _purse(database, in_all=Cap(None, 6), in_all_month=Cap(None, 100))
    await purse.reserve(Spend(100, 0.02))

    with pytest.raises(BudgetReached, match="3 of 3 yen"):
        await purse.reserve(CALL, saves=True)
    await purse.reserve(CALL)

    assert owner.execute("SELECT refusal FROM spending WHERE refusal IS NOT NULL").fetchall() == []


async def test_a_new_day_begins_at_midnight_in_japan(database: Database, owner: Owner) -> None:
    purse = await _purse(database, patient=Cap(100, None))
    reserved = await purse.reserve(CALL)
    owner.execute("UPDATE spending SET day_began_at = day_began_at - interval '1 day'")

    today = await purse.reserve(CALL)

    began = today.day.astimezone(JAPAN)
    assert (began.hour, began.minute, began.second, began.microsecond) == (0, 0, 0, 0)
    assert today.day == reserved.day


async def test_a_call_that_ends_after_midnight_is_put_right_on_its_own_day(database: Database, owner: Owner) -> None:
    purse = await _purse(database)
    reserved = await purse.reserve(CALL)
    owner.execute("UPDATE spending SET day_began_at = day_began_at - interval '1 day'")
    await purse.reserve(Spend(7))

    await purse.correct(replace(reserved, day=reserved.day - timedelta(days=1)), Spend(60))
    await purse.settle()

    rows = owner.execute("SELECT tokens FROM spending WHERE patient_id = 'p' ORDER BY day_began_at").fetchall()
    assert rows == [(60,), (7,)]


async def test_a_call_that_never_ended_stays_counted_in_the_next_process(
    database: Database, settings: Settings
) -> None:
    await (await _purse(database, patient=Cap(100, None))).reserve(CALL)
    await database.close()

    again = await open_database(settings)
    with pytest.raises(BudgetReached):
        await (await _purse(again, patient=Cap(100, None))).reserve(CALL)
    await again.close()


async def test_two_processes_racing_end_at_most_one_call_above_the_bound(
    database: Database, other: Database, owner: Owner
) -> None:
    bound, draw, made = 20_000, random.Random(7), list[int]()
    patients = [f"p-{number}" for number in range(12)]
    purses = [await _purse(of, patient, in_all=Cap(bound, None)) for patient in patients for of in (database, other)]

    async def calls(purse: DayPurse) -> int:
        for count in range(1000):
            used = draw.randint(50, 400)
            try:
                reserved = await purse.reserve(Spend(400, 0.0))
            except BudgetReached:
                await purse.settle()
                return count
            await asyncio.sleep(draw.random() / 200)
            made.append(used)
            await purse.correct(reserved, Spend(used, 0.0))
        return 1000

    counts = await asyncio.gather(*map(calls, purses))

    total = sum(made)
    spent = _spent(owner)
    assert spent[None][0] == total == sum(int(str(row[0])) for of, row in spent.items() if of)
    # Nobody had to be refused much too early either: at the end one call for each purse was in hand at most.
    assert bound - len(purses) * 400 <= total <= bound + 400
    assert sum(counts) == len(made) > 40


async def test_an_erased_patient_leaves_no_row_even_when_a_call_of_theirs_ends_later(
    database: Database, owner: Owner
) -> None:
    purse = await _purse(database)
    reserved = await purse.reserve(CALL)

    await erasure.erase(database, database.pharmacy_id, "p", "test")
    await purse.correct(reserved, Spend(40, 0.004))
    with pytest.raises(FlowError, match="not there any more"):
        await purse.reserve(CALL)
    await purse.settle()

    assert _spent(owner) == {None: (40, pytest.approx(0.004), 0)}
