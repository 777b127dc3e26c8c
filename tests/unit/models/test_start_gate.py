"""A burst of calls goes out bit by bit, and waits for its answers all at once."""

import asyncio

import pytest

from pharmacy.models.start_gate import CALLS_AT_ONCE, StartGate
from tests.fakes.openai_server import OpenAIFake, faults
from tests.unit.models.setting import PROMPT, Label, RegistryOn


async def test_the_next_call_starts_once_one_is_out() -> None:
    gate = StartGate(1)
    begun: list[int] = []
    out = asyncio.Event()
    over = asyncio.Event()

    async def call(number: int) -> None:
        async with gate.starting() as sent:
            begun.append(number)
            await out.wait()
            sent()
            await over.wait()

    calls = [asyncio.create_task(call(number)) for number in range(3)]
    await asyncio.sleep(0.01)
    assert begun == [0]
    out.set()
    await asyncio.sleep(0.01)
    assert begun == [0, 1, 2]
    over.set()
    await asyncio.gather(*calls)


async def test_a_call_that_fails_or_says_so_twice_gives_its_turn_back_once() -> None:
    gate = StartGate(1)

    async def broken() -> None:
        async with gate.starting() as sent:
            sent()
            sent()
            raise ValueError("broken")

    await asyncio.gather(*(broken() for _ in range(3)), return_exceptions=True)
    async with gate.starting():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), gate.starting():
                pass


async def test_calls_that_wait_for_their_answers_hold_nobody_back(fake: OpenAIFake, registry: RegistryOn) -> None:
    count = 3 * CALLS_AT_ONCE
    fake.script.fail(faults.hang(), times=None)

    async with registry() as models:
        run = models.for_run(60, count)
        calls = [asyncio.create_task(run.model("classify").answer(PROMPT, Label)) for _ in range(count)]
        asked = await asyncio.to_thread(fake.log.asked, count, 4.0)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)

    assert asked


async def test_three_hundred_messages_at_once_are_all_answered(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry(timeout_seconds=60) as models:
        asked = (models.for_run(60, 1).model("classify").answer(PROMPT, Label) for _ in range(300))
        answers = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(answer) for answer in answers] == [Label] * 300
