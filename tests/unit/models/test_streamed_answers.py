"""An answer in pieces is read as strictly as a whole one, its first fields are told early, and it can be given up."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pharmacy.domain.errors import FlowError, ReplyCut, ReplyRefused, ReplyUnreadable
from pharmacy.domain.model import Early
from pharmacy.models.event_stream import read_stream
from pharmacy.models.first_fields import FirstFields
from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.openai_server.faults import Fault
from tests.unit.models.setting import ANSWER, GOOD, PROMPT, Label, RegistryOn

FIRST = ("category", "mark")


def early() -> tuple[Early, list[Mapping[str, object]]]:
    told: list[Mapping[str, object]] = []
    return Early(FIRST, told.append), told


async def test_a_streamed_answer_is_the_same_and_costs_what_the_provider_says(
    fake: OpenAIFake, registry: RegistryOn
) -> None:
    fake.script.answer(GOOD, GOOD)
    listening, told = early()

    async with registry() as models:
        run = models.for_run(10, 12)
        whole = await run.model("classify").answer(PROMPT, Label)
        streamed = await run.model("classify", early=listening).answer(PROMPT, Label)

    assert streamed == whole == ANSWER
    assert told == [{"category": "order_delivery", "mark": 4}]
    first, second = run.calls
    assert (second.prompt_tokens, second.completion_tokens) == (first.prompt_tokens, first.completion_tokens)
    assert second.model_served == first.model_served
    assert not second.tokens_estimated
    assert [bool(entry.body.get("stream")) for entry in fake.log.chats()] == [False, True]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        pytest.param(faults.refusal(), ReplyRefused, id="a-refusal"),
        pytest.param(faults.finish("length"), ReplyCut, id="cut-by-its-length"),
        pytest.param(faults.cut_content(), ReplyUnreadable, id="json-that-stops-half-way"),
        pytest.param(faults.empty_content(), ReplyUnreadable, id="empty-content"),
        pytest.param(faults.duplicate_keys(), ReplyUnreadable, id="a-key-twice"),
        pytest.param(faults.text_before(), ReplyUnreadable, id="words-before-the-json"),
    ],
)
async def test_a_bad_answer_is_the_same_failure_in_pieces(
    fake: OpenAIFake, registry: RegistryOn, fault: Fault, failure: type[FlowError]
) -> None:
    fake.script.fail(fault)

    async with registry() as models:
        run = models.for_run(10, 12)
        with pytest.raises(failure):
            await run.model("classify", early=early()[0]).answer(PROMPT, Label)

    (call,) = run.calls
    assert call.error
    assert call.prompt_tokens > 0


async def test_a_stream_that_is_given_up_is_closed_and_booked_by_estimate(
    fake: OpenAIFake, registry: RegistryOn
) -> None:
    fake.script.fail(faults.drip(0.02))

    async with registry() as models:
        run = models.for_run(60, 12)
        asking = asyncio.create_task(run.model("classify", early=early()[0]).answer(PROMPT, Label))
        assert await asyncio.to_thread(fake.log.asked, 1)
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        left = await asyncio.to_thread(fake.log.left_early, 1, 1.0)

    assert left
    (call,) = run.calls
    assert (call.error, call.tokens_estimated) == ("cancelled", True)
    assert run.cost_usd


CONTENT = ANSWER.model_dump_json()
SSE = "".join(
    f"data: {json.dumps(event, ensure_ascii=False)}\n\n"
    for event in (
        {"model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
        *({"model": "m", "choices": [{"index": 0, "delta": {"content": sign}}]} for sign in CONTENT),
        {"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"model": "m", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 8}},
    )
).encode()


async def _in_pieces(body: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    at = 0
    for cut in sorted({*cuts, len(body)}):
        yield body[at:cut]
        at = cut


@given(
    st.lists(st.integers(0, len(SSE))), st.sampled_from([b"\n", b"\r\n"]), st.sampled_from([b"", b"data: [DONE]\n\n"])
)
@settings(max_examples=40, deadline=None)
def test_wherever_the_bytes_are_cut_the_answer_is_the_same(cuts: list[int], line_end: bytes, done: bytes) -> None:
    heard: list[str] = []
    body = b": a comment\n\n" + (SSE + done).replace(b"\n", line_end)

    completion = asyncio.run(read_stream(_in_pieces(body, cuts), heard.append))

    assert completion.content == CONTENT == heard[-1]
    assert heard == [CONTENT[: place + 1] for place in range(len(CONTENT))]
    assert completion.usage == {"prompt_tokens": 9, "completion_tokens": 8}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'data: {"choices": [{"delta": {"content": "x"}}]}\n\n', "ends before its answer"),
        (b"data: <html>\n\n", "no JSON"),
        (b"data: [1]\n\n", "no JSON object"),
        (b"data: {}\n\n", "without a list of choices"),
        (b"data: " + b"[" * 6000 + b"\n\n", "heap of brackets"),
        (b"data: \xff\n\n", "no UTF-8"),
        (b"data: " + b"x" * 300_000, "expected a piece"),
    ],
)
async def test_what_is_no_stream_of_a_completion_says_what_it_is(body: bytes, why: str) -> None:
    with pytest.raises(ReplyUnreadable, match=why):
        await read_stream(_in_pieces(body, []), lambda _: None)


@given(
    st.sampled_from(["order_delivery", "pharmacist_only"]), st.integers(1, 5), st.text(max_size=30), st.integers(0, 3)
)
@settings(max_examples=60, deadline=None)
def test_first_fields_are_told_once_when_they_are_complete_and_never_wrong(
    category: str, mark: int, reason: str, indent: int
) -> None:
    listening, told = early()
    fields = FirstFields(listening, Label)
    whole = json.dumps({"category": category, "mark": mark, "reason": reason}, indent=indent or None)
    behind = whole.index(str(mark)) + 1

    for end in range(len(whole) + 1):
        fields.heard(whole[:end])
        assert bool(told) == (end > behind)

    assert told == [{"category": category, "mark": mark}]


@pytest.mark.parametrize(
    "content",
    [
        '{"mark": 4, "category": "order_delivery", "reason": ""}',
        '{"category": "refund", "mark": 4, "reason": ""}',
        '{"category": "order_delivery", "mark": 9, "reason": ""}',
        '{"category": "order_delivery", "mark": "4", "reason": ""}',
        'Here: {"category": "order_delivery", "mark": 4, "reason": ""}',
        '["category", "mark"]',
    ],
)
def test_first_fields_that_are_not_as_asked_are_never_told(content: str) -> None:
    listening, told = early()
    fields = FirstFields(listening, Label)

    for end in range(len(content) + 1):
        fields.heard(content[:end])

    assert told == []
