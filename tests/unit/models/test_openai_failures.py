"""Every way an answer can be wrong ends in the right failure of the flow, with its cost booked."""

import pytest

from pharmacy.domain.errors import (
    ContextTooLong,
    FlowError,
    ModelUnavailable,
    ReplyCut,
    ReplyRefused,
    ReplyUnreadable,
)
from pharmacy.models.tokens import estimate_tokens
from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.openai_server.faults import Fault
from tests.unit.models.setting import ANSWER, GOOD, PROMPT, Label, RegistryOn

MARKED = '{{"category": "order_delivery", "mark": {}, "reason": "理由"}}'

BILLED = [
    pytest.param(faults.refusal(), ReplyRefused, id="a-refusal"),
    pytest.param(faults.finish("length"), ReplyCut, id="cut-by-its-length"),
    pytest.param(faults.finish("content_filter"), ReplyCut, id="cut-by-the-content-filter"),
    pytest.param(faults.cut_content(), ReplyUnreadable, id="json-that-stops-half-way"),
    pytest.param(faults.empty_content(), ReplyUnreadable, id="empty-content"),
    pytest.param(faults.null_content(), ReplyUnreadable, id="null-content"),
    pytest.param(faults.no_choices(), ReplyUnreadable, id="no-choices"),
    pytest.param(faults.duplicate_keys(), ReplyUnreadable, id="a-key-twice"),
    pytest.param(faults.not_a_number(), ReplyUnreadable, id="nan"),
    pytest.param(faults.text_before(), ReplyUnreadable, id="words-before-the-json"),
    pytest.param(faults.content(MARKED.format("4") + " ok"), ReplyUnreadable, id="words-after-the-json"),
    pytest.param(faults.content(MARKED.format("Infinity")), ReplyUnreadable, id="infinity"),
    pytest.param(faults.content(MARKED.format('"9/10"')), ReplyUnreadable, id="nine-of-ten"),
    pytest.param(faults.content(MARKED.format('"4"')), ReplyUnreadable, id="a-number-in-quotes"),
    pytest.param(faults.content(MARKED.format("101")), ReplyUnreadable, id="a-mark-of-101"),
    pytest.param(faults.content(MARKED.format("true")), ReplyUnreadable, id="a-mark-of-true"),
    pytest.param(faults.content("None"), ReplyUnreadable, id="the-word-none"),
    pytest.param(faults.content("[" * 2000), ReplyUnreadable, id="nested-without-end"),
    pytest.param(faults.content(MARKED.format("4").replace("理由", "理" * 10_000)), ReplyUnreadable, id="10000-chars"),
    pytest.param(faults.content(MARKED.format("4").replace("理由", r"\u0000")), ReplyUnreadable, id="a-nul"),
    pytest.param(faults.content(MARKED.format("4").replace("理由", r"\ud800")), ReplyUnreadable, id="a-lone-surrogate"),
    pytest.param(faults.content(MARKED.format("4").replace("order_delivery", "refund")), ReplyUnreadable,
                 id="an-unknown-class"),
    pytest.param(faults.content('{"category": ["order_delivery", "pharmacist_only"], "mark": 4, "reason": ""}'),
                 ReplyUnreadable, id="two-classes"),
    pytest.param(faults.content('{"category": "order_delivery", "mark": 4}'), ReplyUnreadable, id="a-missing-field"),
    pytest.param(faults.content('{"category": "order_delivery", "mark": 4, "reason": "", "sent": true}'),
                 ReplyUnreadable, id="an-extra-field"),
]  # fmt: skip

NO_COMPLETION = [
    pytest.param(faults.html(), id="a-web-page"),
    pytest.param(faults.html_as_json(), id="a-web-page-that-says-json"),
    pytest.param(faults.empty_body(), id="nothing"),
    pytest.param(faults.cut_body(), id="a-body-that-stops-half-way"),
    pytest.param(faults.deep_body(), id="a-body-nested-without-end"),
    pytest.param(faults.field_as("choices", None), id="choices-null"),
    pytest.param(faults.field_as("choices", {"0": 1}), id="choices-as-an-object"),
]

REFUSED = [
    pytest.param(faults.unauthorized(), id="401"),
    pytest.param(faults.forbidden(), id="403"),
    pytest.param(faults.out_of_quota(), id="429-insufficient-quota"),
]


@pytest.mark.parametrize(("fault", "failure"), BILLED)
async def test_a_bad_answer_is_that_failure_and_its_cost_is_booked(
    fake: OpenAIFake, registry: RegistryOn, fault: Fault, failure: type[FlowError]
) -> None:
    fake.script.fail(fault)

    async with registry() as models:
        run = models.for_run(10, 12)
        with pytest.raises(failure):
            await run.model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 1
    (call,) = run.calls
    assert call.error
    assert call.model_served == "gpt-4o-2024-08-06"
    assert call.prompt_tokens > 0
    assert not call.tokens_estimated
    assert run.cost_usd is not None
    assert run.cost_usd > 0


@pytest.mark.parametrize("fault", NO_COMPLETION)
async def test_a_body_that_is_no_completion_is_unreadable_and_booked_by_estimate(
    fake: OpenAIFake, registry: RegistryOn, fault: Fault
) -> None:
    fake.script.fail(fault)

    async with registry() as models:
        run = models.for_run(10, 12)
        with pytest.raises(ReplyUnreadable):
            await run.model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 1
    (call,) = run.calls
    assert call.tokens_estimated
    assert call.prompt_tokens >= estimate_tokens(PROMPT.system + PROMPT.user)
    assert run.cost_usd


@pytest.mark.parametrize("choices", [[{}], [None], [{"message": None}], [{"message": {"content": ["a"]}}], [7]])
async def test_a_misshapen_choice_is_unreadable(fake: OpenAIFake, registry: RegistryOn, choices: object) -> None:
    fake.script.fail(faults.field_as("choices", choices))

    async with registry() as models:
        with pytest.raises(ReplyUnreadable):
            await models.for_run(10, 12).model("classify").answer(PROMPT, Label)


@pytest.mark.parametrize("fault", REFUSED)
async def test_a_refused_key_or_quota_is_asked_once_and_costs_nothing(
    fake: OpenAIFake, registry: RegistryOn, fault: Fault
) -> None:
    fake.script.fail(fault, times=None)

    async with registry() as models:
        run = models.for_run(10, 12)
        with pytest.raises(ModelUnavailable):
            await run.model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 1
    assert run.cost_usd == 0


async def test_an_unknown_model_is_asked_once(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry(teacher="openai:gpt-nothing") as models:
        run = models.for_run(10, 12)
        with pytest.raises(ModelUnavailable, match="404 model_not_found"):
            await run.model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 1


async def test_a_bad_request_is_asked_once(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry(max_output_tokens=20_000) as models:
        with pytest.raises(ModelUnavailable, match="400 invalid_value"):
            await models.for_run(10, 12).model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 1


async def test_a_context_that_is_too_long_is_known_by_its_code_and_asked_once(
    fake: OpenAIFake, registry: RegistryOn
) -> None:
    long = PROMPT.__class__(PROMPT.file, PROMPT.system, "長い話。" * 50_000, PROMPT.blanks, PROMPT.fingerprint)

    async with registry() as models:
        run = models.for_run(10, 12)
        with pytest.raises(ContextTooLong):
            await run.model("classify").answer(long, Label)

    assert len(fake.log.chats()) == 1
    assert run.cost_usd == 0


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.no_usage(), id="missing"),
        pytest.param(faults.field_as("usage", "many"), id="a-word"),
        pytest.param(faults.field_as("usage", [1, 2]), id="a-list"),
        pytest.param(faults.usage_of(-500, -20), id="negative"),
        pytest.param(faults.usage_of(10**15, 20), id="huge-prompt"),
        pytest.param(faults.usage_of(60, 10**9), id="huge-answer"),
        pytest.param(faults.usage_of(60.5, 20), id="a-fraction"),
        pytest.param(faults.usage_of(float("nan"), 20), id="nan"),
        pytest.param(faults.usage_of(prompt=True, completion=20), id="true"),
    ],
)
async def test_an_answer_whose_usage_cannot_be_true_is_booked_by_estimate(
    fake: OpenAIFake, registry: RegistryOn, fault: Fault
) -> None:
    fake.script.answer(GOOD)
    fake.script.fail(fault)

    async with registry() as models:
        run = models.for_run(10, 12)
        answer = await run.model("classify").answer(PROMPT, Label)

    assert answer == ANSWER
    (call,) = run.calls
    assert call.tokens_estimated
    assert 0 < call.prompt_tokens < 1000
    assert 0 < call.completion_tokens <= 300


async def test_cached_tokens_that_cannot_be_true_count_as_none(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.usage_of(60, 20, cached=9_999))

    async with registry() as models:
        run = models.for_run(10, 12)
        await run.model("classify").answer(PROMPT, Label)

    assert [(c.prompt_tokens, c.cached_tokens, c.tokens_estimated) for c in run.calls] == [(60, 0, False)]


async def test_what_is_booked_can_always_be_stored(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.field_as("model", "x\x00\ud800" + "y" * 10_000))
    fake.script.answer("\x00\ud800 not json")

    async with registry() as models:
        run = models.for_run(10, 12)
        with pytest.raises(ReplyUnreadable):
            await run.model("classify").answer(PROMPT, Label)

    (call,) = run.calls
    for text in (call.output, call.model_served, call.error):
        assert text is not None
        assert "\x00" not in text
        assert text.encode()
        assert len(text) < 500


async def test_an_error_never_repeats_what_the_model_said(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.answer({**GOOD, "category": "山田花子さんの秘密"})

    async with registry() as models:
        run = models.for_run(10, 12)
        with pytest.raises(ReplyUnreadable) as raised:
            await run.model("classify").answer(PROMPT, Label)

    assert "山田" not in str(raised.value)
    assert "山田" not in str(run.calls[0].error)
