"""What waits is taken together; what fails, or is about the same thing, is not."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from server.rounds import ALONE, AT_ONCE, LARGEST, PATIENCE_SECONDS, Rounds, Way

HERE = Way("line", "here")


@dataclass
class Some:
    """A unit of the test."""

    name: str
    about: str = ""
    size: int = 1


@dataclass
class Counter:
    """Takes units while its door is open, and remembers which were taken together."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    together: list[list[str]] = field(default_factory=list)
    bad: str = ""

    async def take(self, units: Sequence[Some]) -> list[str]:
        names = [unit.name for unit in units]
        self.together.append(names)
        await self.open.wait()
        if self.bad in names:
            raise ValueError(self.bad)
        return [f"{name} taken" for name in names]


async def test_what_comes_while_rounds_are_under_way_goes_together_in_the_next() -> None:
    rounds, counter = Rounds(), Counter()
    asked = [_ask(rounds, counter, Some(str(number))) for number in range(6)]
    await _until(lambda: counter.together != [])
    counter.open.set()

    assert await asyncio.gather(*asked) == [f"{number} taken" for number in range(6)]
    assert counter.together == [["0"], ["1", "2", "3", "4", "5"]]


async def test_what_waits_too_long_goes_beside_a_round_that_does_not_end() -> None:
    rounds, counter = Rounds(), Counter()
    asked = [_ask(rounds, counter, Some(str(number))) for number in range(4)]

    await _until(lambda: len(counter.together) == 2)
    asked += [_ask(rounds, counter, Some(str(number))) for number in range(4, 8)]
    await _until(lambda: len(counter.together) == AT_ONCE)
    late = _ask(rounds, counter, Some("late"))
    await asyncio.sleep(3 * PATIENCE_SECONDS)
    assert counter.together == [["0"], ["1", "2", "3"], ["4", "5", "6", "7"]]
    counter.open.set()

    await asyncio.gather(*asked, late)
    assert counter.together[3:] == [["late"]]


async def test_units_about_the_same_thing_are_never_under_way_at_once_and_keep_their_order() -> None:
    rounds, counter = Rounds(), Counter()
    asked = [_ask(rounds, counter, Some(name, name[0])) for name in ("a1", "a2", "b1", "a3")]
    await _until(lambda: len(counter.together) == 2)
    assert counter.together == [["a1"], ["b1"]]
    await asyncio.sleep(2 * PATIENCE_SECONDS)
    assert counter.together == [["a1"], ["b1"]]
    counter.open.set()

    await asyncio.gather(*asked)
    assert counter.together == [["a1"], ["b1"], ["a2"], ["a3"]]


async def test_a_round_that_fails_is_taken_apart_and_only_the_bad_unit_fails() -> None:
    rounds, counter = Rounds(), Counter(bad="4")
    asked = [_ask(rounds, counter, Some(str(number))) for number in range(6)]
    await _until(lambda: counter.together != [])
    counter.open.set()

    ends = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(end) for end in ends] == ["0 taken", "1 taken", "2 taken", "3 taken", "4", "5 taken"]
    assert isinstance(ends[4], ValueError)


async def test_the_units_of_a_round_that_failed_are_not_all_under_way_at_once() -> None:
    rounds, under_way, most = Rounds(), 0, 0
    first = asyncio.Event()

    async def take(units: Sequence[str]) -> list[str]:
        nonlocal under_way, most
        await first.wait()
        if len(units) > 1:
            raise ValueError(units)
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return list(units)

    asked = [asyncio.create_task(rounds.taken(HERE, name, take, keys=[name])) for name in map(str, range(LARGEST))]
    await asyncio.sleep(0)
    first.set()

    assert await asyncio.gather(*asked) == [str(number) for number in range(LARGEST)]
    assert most == ALONE


@pytest.mark.parametrize("size", [1, 10])
async def test_no_round_is_larger_than_it_may_be(size: int) -> None:
    rounds, counter = Rounds(), Counter()
    asked = [_ask(rounds, counter, Some(str(number), size=size)) for number in range(2 * LARGEST)]
    await _until(lambda: counter.together != [])
    counter.open.set()

    assert len(await asyncio.gather(*asked)) == 2 * LARGEST
    assert max(map(len, counter.together)) == LARGEST // size


async def test_pharmacies_and_ways_share_no_round() -> None:
    rounds, counter = Rounds(), Counter()
    ways = [HERE, HERE, HERE, Way("line", "there"), HERE, Way("api", "here")]
    asked = [_ask(rounds, counter, Some(str(number)), way) for number, way in enumerate(ways)]
    await _until(lambda: counter.together != [])
    counter.open.set()

    await asyncio.gather(*asked)
    assert sorted(counter.together) == [["0"], ["1", "2", "4"], ["3"], ["5"]]


async def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    rounds, counter = Rounds(), Counter()
    asked = [_ask(rounds, counter, Some(str(number))) for number in range(4)]
    await _until(lambda: counter.together != [])
    asked[2].cancel()
    await asyncio.sleep(0)
    counter.open.set()

    await asyncio.gather(*asked, return_exceptions=True)
    assert counter.together == [["0"], ["1", "3"]]


def _ask(rounds: Rounds, counter: Counter, unit: Some, way: Way = HERE) -> "asyncio.Task[str]":
    keys = {unit.about or unit.name}
    return asyncio.create_task(rounds.taken(way, unit, counter.take, keys=keys, size=unit.size))


async def _until(said: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not said():  # noqa: ASYNC110 (a test looks)
            await asyncio.sleep(0.001)
