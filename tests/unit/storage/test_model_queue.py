"""All processes together never ask more of a model than its limit, patients go first, and what is given back counts."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import psycopg
import pytest

from pharmacy.domain.pace import AT_ONCE_SECONDS, ModelLimit, Pace, Priority
from pharmacy.settings import Settings
from pharmacy.storage.database import Database, open_database
from pharmacy.storage.model_queue import ModelQueue, waits

Owner = psycopg.Connection[tuple[object, ...]]
MODEL = "openai:gpt-4o"
PATIENT, PERSON, BACKGROUND = Priority
LONG = 10_000.0


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[Database]:
    """Return the same database as another process has it open."""
    opened = await open_database(settings)
    yield opened
    await asyncio.shield(opened.close())


def _played(
    owner: Owner, limit: ModelLimit, arrivals: Sequence[tuple[float, int, Priority]]
) -> list[tuple[float, int, Priority]]:
    """Return when each of `arrivals` (second, tokens, whose) would go out; those who may not queue are left out."""
    requests, tokens = Pace.of(limit.requests_per_minute), Pace.of(limit.tokens_per_minute)
    paces = [requests and requests.per_second, requests and requests.at_once, tokens and tokens.per_second,
             tokens and tokens.at_once]  # fmt: skip
    gone = []
    with owner.cursor() as cursor:
        for at, size, whose in arrivals:
            queues = whose is PATIENT
            cursor.execute(
                "SELECT * FROM kakari_take_turn('m', %s, %s, %s, %s, %s, 0, 0, %s, %s, '2026-01-01Z'::timestamptz"
                " + make_interval(secs => %s))",
                [*paces, size, min(whose.ahead_seconds, 1e8), LONG if queues else 0.0, at],
            )
            granted, wait = cursor.fetchone() or (False, 0.0)
            if granted:
                gone.append((at + float(str(wait)), size, whose))
    return sorted(gone)


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [
        pytest.param(ModelLimit(MODEL, 60, None), (1, 1), id="requests"),
        pytest.param(ModelLimit(MODEL, 3, None), (1, 1), id="very-few-requests"),
        pytest.param(ModelLimit(MODEL, None, 30_000), (500, 9_000), id="tokens-of-large-calls"),
        pytest.param(ModelLimit(MODEL, 40, 60_000), (100, 4_000), id="both"),
    ],
)
def test_no_window_of_a_minute_ever_holds_more_than_the_limit(
    owner: Owner, limit: ModelLimit, sizes: tuple[int, int]
) -> None:
    draw = random.Random(11)
    # Twice what may be asked, in bursts and after rests.
    arrivals = sorted(
        (rest * 150 + draw.random() * 90, draw.randint(*sizes), draw.choice([PATIENT, PERSON, BACKGROUND]))
        for rest in range(3) for _ in range(150)
    )  # fmt: skip

    gone = _played(owner, limit, arrivals)

    for first in range(len(gone)):
        window = [size for at, size, _ in gone[first:] if at < gone[first][0] + 60]
        assert len(window) <= (limit.requests_per_minute or LONG)
        assert sum(window) <= (limit.tokens_per_minute or LONG * LONG)
    whole = [whose for _, _, whose in arrivals].count(PATIENT)
    assert [whose for _, _, whose in gone].count(PATIENT) == whole


def test_who_may_wait_leaves_the_patients_what_goes_out_together_and_uses_the_rest_in_full(owner: Owner) -> None:
    limit = ModelLimit(MODEL, 600, None)
    pace = Pace.of(600) or Pace(0, 0)
    begging = [(0.02 * tick, 1, BACKGROUND) for tick in range(1500)]

    alone = _played(owner, limit, begging)
    owner.execute("DELETE FROM model_queues")
    patients = [(15 + 0.01 * tick, 1, PATIENT) for tick in range(int(pace.at_once) - 1)]
    both = _played(owner, limit, sorted([*begging, *patients]))

    assert len(alone) == pytest.approx(30 * pace.per_second, rel=0.04)
    # No patient waits behind them, and for as long as patients need the pace nothing else goes out.
    assert [(at, whose) for at, _, whose in both if whose is PATIENT] == [(at, whose) for at, _, whose in patients]
    assert [at for at, _, whose in both if whose is BACKGROUND and 15.1 < at < 15 + AT_ONCE_SECONDS * 0.9] == []
    # What they took together is paid back by those who may wait.
    assert len(both) == pytest.approx(len(alone), rel=0.04)


async def test_two_processes_take_no_more_together_than_one_could(database: Database, other: Database) -> None:
    limit = ModelLimit(MODEL, 120, None)
    queues = [ModelQueue(database), ModelQueue(other)]

    turns = await asyncio.gather(*(queues[n % 2].take(limit, 1, PATIENT, LONG) for n in range(40)))

    waits = sorted(turn.wait_seconds for turn in turns)
    pace = Pace.of(120) or Pace(0, 0)
    assert sum(wait == 0 for wait in waits) == int(pace.at_once)
    assert waits[-1] == pytest.approx((40 - pace.at_once) / pace.per_second, abs=1.0)


async def test_what_a_call_did_not_use_is_given_back_with_the_next_one(database: Database) -> None:
    limit, queue = ModelLimit(MODEL, None, 60_000), ModelQueue(database)
    await queue.take(limit, 8_000, PATIENT, LONG)
    full = await queue.take(limit, 8_000, PATIENT, 0.0)

    queue.owe(limit, 0, -7_900)
    after = await queue.take(limit, 8_000, PATIENT, 0.0)

    assert (full.granted, after.granted) == (False, True)
    assert full.wait_seconds > 1
    await queue.take(limit, 8_000, PATIENT, LONG)
    async with database.look() as connection:
        wait = await waits(connection, {MODEL: limit})
    assert wait[MODEL] == pytest.approx(16_100 / (60_000 / 70) - AT_ONCE_SECONDS, abs=0.5)


async def test_a_restart_forgets_nothing(database: Database, settings: Settings) -> None:
    limit = ModelLimit(MODEL, 12, None)
    for _ in range(2):
        await ModelQueue(database).take(limit, 1, PATIENT, LONG)
    await database.close()

    again = await open_database(settings)
    turn = await ModelQueue(again).take(limit, 1, PATIENT, 0.5)
    await again.close()

    assert not turn.granted


async def test_a_provider_that_asks_for_a_rest_gets_it_from_everybody(database: Database, other: Database) -> None:
    limit = ModelLimit(MODEL, 600, 100_000)
    await ModelQueue(database).take(limit, 10, PATIENT, LONG)

    await ModelQueue(database).hold(limit, 7.0)
    turns = [await ModelQueue(other).take(limit, 10, whose, LONG) for whose in (PATIENT, BACKGROUND)]

    assert turns[0].granted
    assert turns[0].wait_seconds == pytest.approx(7.0, abs=0.5)
    assert not turns[1].granted
