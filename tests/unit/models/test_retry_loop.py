"""One retry loop inside one deadline: what is tried again, how often, and how long it waits."""

import asyncio
import socket
import time
from contextlib import ExitStack, suppress

import pytest

from pharmacy.domain.errors import CallsUsedUp, DeadlinePassed, FlowError, ModelUnavailable
from pharmacy.models.breaker import SECONDS_BETWEEN_PROBES
from pharmacy.models.retry_policy import RetryPolicy
from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.openai_server.faults import Fault
from tests.unit.models.setting import PROMPT, Label, RegistryOn

pytestmark = pytest.mark.timed

FALLBACK = "openai:gpt-4.1-mini"
TRANSIENT = [
    pytest.param(faults.server_error(500), id="500"),
    pytest.param(faults.server_error(502), id="502"),
    pytest.param(faults.server_error(503), id="503"),
    pytest.param(faults.rate_limited(), id="429-without-retry-after"),
    pytest.param(faults.rate_limited("abc"), id="429-with-nonsense"),
    pytest.param(faults.rate_limited("-5"), id="429-with-a-negative-wait"),
    pytest.param(faults.rate_limited("nan"), id="429-with-nan"),
    pytest.param(faults.rate_limited(retry_after_ms="20"), id="429-with-milliseconds"),
    pytest.param(faults.reset_mid_body(), id="reset-mid-body"),
]
TOO_LONG = [
    pytest.param(faults.rate_limited("3600"), id="an-hour"),
    pytest.param(faults.rate_limited("61"), id="over-a-minute"),
    pytest.param(faults.rate_limited(retry_after_ms="90000"), id="milliseconds"),
    pytest.param(faults.rate_limited_until(600), id="an-http-date"),
    pytest.param(faults.rate_limited("inf"), id="for-ever"),
]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_passing_fault_is_tried_once_more(fake: OpenAIFake, registry: RegistryOn, fault: Fault) -> None:
    fake.script.fail(fault)

    async with registry() as models:
        run = models.for_run(10, 12)
        await run.model("classify").answer(PROMPT, Label)

    assert [call.attempt for call in run.calls] == [1, 2]
    assert [call.error is None for call in run.calls] == [False, True]
    assert len(fake.log.chats()) == 2


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_lasting_fault_costs_two_calls(fake: OpenAIFake, registry: RegistryOn, fault: Fault) -> None:
    fake.script.fail(fault, times=None)

    async with registry() as models:
        run = models.for_run(10, 12)
        with pytest.raises(ModelUnavailable):
            await run.model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == len(run.calls) == 2


@pytest.mark.parametrize("fault", [faults.rate_limited("1"), faults.rate_limited_until(2)], ids=["seconds", "date"])
async def test_a_wait_that_fits_is_kept_to(fake: OpenAIFake, registry: RegistryOn, fault: Fault) -> None:
    fake.script.fail(fault)

    async with registry() as models:
        await models.for_run(10, 12).model("classify").answer(PROMPT, Label)

    first, second = fake.log.chats()
    assert 0.5 <= second.at - first.at < 2.5


@pytest.mark.parametrize("fault", TOO_LONG[:4])
async def test_a_wait_that_does_not_fit_ends_the_call_at_once(
    fake: OpenAIFake, registry: RegistryOn, fault: Fault
) -> None:
    fake.script.fail(fault, times=None)
    begun = time.monotonic()

    async with registry() as models:
        with pytest.raises(ModelUnavailable, match="429"):
            await models.for_run(120, 12).model("classify").answer(PROMPT, Label)

    assert time.monotonic() - begun < 1
    assert len(fake.log.chats()) == 1


async def test_a_wait_beyond_the_deadline_is_not_begun(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.rate_limited("5"), times=None)
    begun = time.monotonic()

    async with registry() as models:
        with pytest.raises(ModelUnavailable):
            await models.for_run(4, 12).model("classify").answer(PROMPT, Label)

    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.hang(), id="hangs"),
        pytest.param(faults.drip(0.05), id="drips"),
        pytest.param(faults.stall_mid_body(), id="stalls-half-way"),
    ],
)
async def test_a_call_has_a_total_time(fake: OpenAIFake, registry: RegistryOn, fault: Fault) -> None:
    fake.script.fail(fault, times=None)
    begun = time.monotonic()

    async with registry(timeout_seconds=0.3) as models:
        run = models.for_run(10, 12)
        with pytest.raises(ModelUnavailable, match=r"no answer within 0\.3 s"):
            await run.model("classify").answer(PROMPT, Label)

    assert time.monotonic() - begun < 1.5
    assert len(fake.log.chats()) == 2
    assert all(call.tokens_estimated and call.prompt_tokens > 0 for call in run.calls)


@pytest.mark.parametrize("fallback", [None, FALLBACK])
async def test_the_deadline_ends_a_call_that_may_last_longer(
    fake: OpenAIFake, registry: RegistryOn, fallback: str | None
) -> None:
    fake.script.fail(faults.hang(), times=None)
    begun = time.monotonic()

    async with registry(fallback=fallback) as models:
        run = models.for_run(0.3, 12)
        with pytest.raises(DeadlinePassed):
            await run.model("classify").answer(PROMPT, Label)

    assert time.monotonic() - begun < 1
    assert len(run.calls) == 1


async def test_no_call_is_made_after_the_deadline(fake: OpenAIFake, registry: RegistryOn) -> None:
    clock = Clock()

    async with registry(clock=clock) as models:
        run = models.for_run(60, 12)
        clock.seconds += 60
        with pytest.raises(DeadlinePassed, match="60 s"):
            await run.model("classify").answer(PROMPT, Label)

    assert not fake.log.chats()


async def test_no_call_is_made_beyond_the_messages_number(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.server_error(500), times=None, nth=None)

    async with registry(fallback=FALLBACK) as models:
        run = models.for_run(10, 3)
        with pytest.raises(CallsUsedUp, match="expected at most 3"):
            await run.model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 3


async def test_calls_side_by_side_share_the_messages_number(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry() as models:
        run = models.for_run(10, 5)
        asked = (run.model("classify").answer(PROMPT, Label) for _ in range(9))
        ended = await asyncio.gather(*asked, return_exceptions=True)

    assert sum(isinstance(answer, Label) for answer in ended) == 5
    assert sum(isinstance(answer, CallsUsedUp) for answer in ended) == 4
    assert len(fake.log.chats()) == len(run.calls) == 5


async def test_one_answer_does_not_end_up_in_another_call(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.rule = lambda asked: {"category": "order_delivery", "mark": 4, "reason": asked.user}

    async with registry() as models:
        run = models.for_run(10, 100)
        prompts = [PROMPT.__class__(PROMPT.file, "", f"質問{at}", {}, "") for at in range(60)]
        answers = await asyncio.gather(*(run.model("classify").answer(prompt, Label) for prompt in prompts))

    assert [answer.reason for answer in answers] == [prompt.user for prompt in prompts]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.server_error(503), id="down"),
        pytest.param(faults.unauthorized(), id="key-refused"),
        pytest.param(faults.out_of_quota(), id="quota-used-up"),
        pytest.param(faults.rate_limited("3600"), id="limited-for-an-hour"),
    ],
)
async def test_the_fallback_answers_when_the_model_cannot_be_had(
    fake: OpenAIFake, registry: RegistryOn, fault: Fault
) -> None:
    fake.script.fail(fault, times=None, model="gpt-4o-2024-08-06")
    elsewhere = f'[endpoints.elsewhere]\nbase_url = "{fake.url}"'

    async with registry(fallback="elsewhere:gpt-4.1-mini", more=elsewhere) as models:
        run = models.for_run(10, 12)
        await run.model("classify").answer(PROMPT, Label)

    assert run.fallback_used
    assert run.calls[-1].model_asked == "elsewhere:gpt-4.1-mini"
    assert run.calls[-1].attempt == len(run.calls)
    assert run.served == {"classify": "gpt-4.1-mini-2025-04-14"}


async def test_an_answer_that_is_no_use_does_not_call_the_fallback(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.cut_content())

    async with registry(fallback=FALLBACK) as models:
        run = models.for_run(10, 12)
        with pytest.raises(FlowError):
            await run.model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 1
    assert not run.fallback_used


async def test_a_model_that_is_well_never_uses_its_fallback(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry(fallback=FALLBACK) as models:
        run = models.for_run(10, 12)
        await run.model("classify").answer(PROMPT, Label)

    assert not run.fallback_used
    assert not fake.log.chats("gpt-4.1-mini")


async def test_an_endpoint_that_is_down_is_probed_once_in_fifteen_seconds(
    fake: OpenAIFake, registry: RegistryOn
) -> None:
    fake.script.fail(faults.server_error(500), times=None)
    clock = Clock()

    async with registry(clock=clock) as models:
        for second in range(120):
            clock.seconds = 1000.0 + second
            with suppress(FlowError):
                await models.for_run(60, 12).model("classify").answer(PROMPT, Label)
        assert models.open_breakers == ("openai",)

    # Five failures open it; from then on one call each 15 s: 117 s hold 7 of them.
    assert len(fake.log.chats()) == 5 + int((120 - 3) / SECONDS_BETWEEN_PROBES)


async def test_the_failure_that_opens_the_breaker_is_told_without_a_wait(
    fake: OpenAIFake, registry: RegistryOn
) -> None:
    fake.script.fail(faults.server_error(500), times=4)
    fake.script.fail(faults.server_error(503), times=None)

    async with registry() as models:
        for _ in range(2):
            with suppress(ModelUnavailable):
                await models.for_run(60, 12).model("classify").answer(PROMPT, Label)
        with pytest.raises(ModelUnavailable, match="503"):
            await models.for_run(60, 12).model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 5


async def test_an_endpoint_that_comes_back_is_called_as_before(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.server_error(500), times=5)
    clock = Clock()

    async with registry(clock=clock) as models:
        for _ in range(3):
            with suppress(FlowError):
                await models.for_run(60, 12).model("classify").answer(PROMPT, Label)
        clock.seconds += SECONDS_BETWEEN_PROBES
        await models.for_run(60, 12).model("classify").answer(PROMPT, Label)
        await models.for_run(60, 12).model("classify").answer(PROMPT, Label)
        assert models.open_breakers == ()


@pytest.mark.parametrize("fault", [faults.unauthorized(), faults.forbidden()], ids=["401", "403"])
async def test_a_refused_key_stops_all_calls_at_once(fake: OpenAIFake, registry: RegistryOn, fault: Fault) -> None:
    fake.script.fail(fault)

    async with registry() as models:
        for _ in range(5):
            with pytest.raises(ModelUnavailable):
                await models.for_run(60, 12).model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 1


async def test_limits_on_the_rate_do_not_stop_other_messages(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.rate_limited("3600"), times=20)

    async with registry() as models:
        for _ in range(20):
            with suppress(ModelUnavailable):
                await models.for_run(60, 12).model("classify").answer(PROMPT, Label)
        await models.for_run(60, 12).model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 21


async def test_an_address_that_swallows_packets_is_given_up_after_three_seconds(registry: RegistryOn) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as waiting:
        port = deaf.getsockname()[1]
        for _ in range(2):  # one in the queue and one on its way fill it; the kernel drops what comes after
            caller = waiting.enter_context(socket.socket())
            caller.settimeout(0)
            caller.connect_ex(("127.0.0.1", port))
        text = f'[endpoints.deaf]\nbase_url = "http://127.0.0.1:{port}/v1"'
        begun = time.monotonic()

        async with registry(teacher="deaf:x", more=text, retry=RetryPolicy(attempts=1), timeout_seconds=20) as models:
            with pytest.raises(ModelUnavailable, match="ConnectionTimeoutError"):
                await models.for_run(60, 12).model("classify").answer(PROMPT, Label)

    assert 2.5 < time.monotonic() - begun < 6


async def test_nobody_listening_is_unavailable_and_costs_nothing(registry: RegistryOn, fake: OpenAIFake) -> None:
    fake.stop()

    async with registry() as models:
        run = models.for_run(10, 12)
        with pytest.raises(ModelUnavailable, match="ClientConnectorError"):
            await run.model("classify").answer(PROMPT, Label)

    assert len(run.calls) == 2
    assert run.cost_usd == 0
