"""A call that is no longer wanted ends at the provider too, and is still booked."""

import asyncio

import pytest

from pharmacy.domain.errors import FlowError
from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.openai_server.faults import Fault
from tests.unit.models.setting import PROMPT, Label, RegistryOn

UNFINISHED = [
    pytest.param(faults.hang(), id="before-the-first-byte"),
    pytest.param(faults.drip(0.02), id="while-it-drips"),
    pytest.param(faults.stall_mid_body(), id="in-mid-body"),
]


async def _until_asked(fake: OpenAIFake) -> None:
    assert await asyncio.to_thread(fake.log.asked, 1)
    await asyncio.sleep(0.1)


@pytest.mark.parametrize("fault", UNFINISHED)
async def test_cancelling_closes_the_call_within_a_second_and_books_it(
    fake: OpenAIFake, registry: RegistryOn, fault: Fault
) -> None:
    fake.script.fail(fault)

    async with registry() as models:
        run = models.for_run(60, 12)
        asking = asyncio.create_task(run.model("classify").answer(PROMPT, Label))
        await _until_asked(fake)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        left = await asyncio.to_thread(fake.log.left_early, 1, 1.0)

    assert left
    (call,) = run.calls
    assert call.error == "cancelled"
    assert call.tokens_estimated
    assert call.prompt_tokens > 0
    assert call.completion_tokens > 0
    assert run.cost_usd


@pytest.mark.parametrize("fault", UNFINISHED)
async def test_a_call_that_times_out_is_closed_at_the_provider(
    fake: OpenAIFake, registry: RegistryOn, fault: Fault
) -> None:
    fake.script.fail(fault, times=None)

    async with registry(timeout_seconds=0.2) as models:
        with pytest.raises(FlowError):
            await models.for_run(60, 12).model("classify").answer(PROMPT, Label)
        left = await asyncio.to_thread(fake.log.left_early, 2, 1.0)

    assert left


async def test_cancelling_during_the_wait_for_a_retry_makes_no_further_call(
    fake: OpenAIFake, registry: RegistryOn
) -> None:
    fake.script.fail(faults.rate_limited("5"), times=None)

    async with registry() as models:
        run = models.for_run(60, 12)
        asking = asyncio.create_task(run.model("classify").answer(PROMPT, Label))
        await _until_asked(fake)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    assert len(fake.log.chats()) == len(run.calls) == 1


async def test_the_next_call_works_after_a_cancelled_one(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.hang())

    async with registry() as models:
        run = models.for_run(60, 12)
        asking = asyncio.create_task(run.model("classify").answer(PROMPT, Label))
        await _until_asked(fake)
        asking.cancel()
        await asyncio.wait([asking])
        answer = await run.model("classify").answer(PROMPT, Label)

    assert answer.category == "order_delivery"
    assert models.open_breakers == ()
