"""Runs wait for messages that are being taken, not for ever, and not all at once."""

import asyncio
import itertools
import time

import pytest

from server.doorway import APART_SECONDS, BURST_WAIT_SECONDS, LATELY_SECONDS, LONGEST_WAIT_SECONDS, MANY, Doorway

pytestmark = pytest.mark.timed


async def test_a_run_waits_until_no_message_is_being_taken() -> None:
    doorway, order = Doorway(), list[str]()

    async def run() -> None:
        await doorway.quiet()
        order.append("run")

    with doorway.taking():
        running = asyncio.create_task(run())
        await asyncio.sleep(LONGEST_WAIT_SECONDS / 2)
        order.append("taken")
    await running

    assert order == ["taken", "run"]


async def test_messages_without_end_hold_no_run_up_for_ever() -> None:
    doorway = Doorway()
    began = time.monotonic()

    with doorway.taking():
        await doorway.quiet()

    assert LONGEST_WAIT_SECONDS <= time.monotonic() - began < 2 * LONGEST_WAIT_SECONDS


async def test_runs_that_have_waited_begin_one_after_the_other() -> None:
    doorway, began = Doorway(), list[float]()

    async def run() -> None:
        await doorway.quiet()
        began.append(time.monotonic())

    await asyncio.gather(*(run() for _ in range(5)))

    assert all(later - sooner >= 0.9 * APART_SECONDS for sooner, later in itertools.pairwise(began))


async def test_a_message_that_could_not_be_taken_is_no_longer_waited_for() -> None:
    doorway = Doorway()
    with pytest.raises(ValueError, match="odd"), doorway.taking():
        raise ValueError("odd")

    async with asyncio.timeout(LONGEST_WAIT_SECONDS / 2):
        await doorway.quiet()


async def test_a_burst_that_others_take_holds_runs_back_for_a_moment() -> None:
    asked, come = list[float](), MANY

    def come_lately(seconds: float) -> int:
        asked.append(seconds)
        return come

    doorway, began = Doorway(come_lately), time.monotonic()
    running = asyncio.create_task(doorway.quiet())
    await asyncio.sleep(0.1)
    assert not running.done()
    come = MANY - 1
    await running

    assert time.monotonic() - began < BURST_WAIT_SECONDS
    assert {*asked} == {LATELY_SECONDS}
