"""What every `ChatModel` does alike: the real adapter and the stand-in that node tests use."""

import json
from collections.abc import AsyncIterator, Callable
from typing import TypedDict

import pytest
from langgraph.graph import StateGraph

from pharmacy.domain.errors import FactUnknown, FlowError, NothingFits, ReplyRefused, ReplyUnreadable
from pharmacy.domain.model import ChatModel
from pharmacy.models.run_models import RunModels
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.scripted_model import ScriptedModel
from tests.unit.models.setting import ANSWER, GOOD, PROMPT, Label, RegistryOn


class _State(TypedDict, total=False):
    label: Label


Made = tuple[Callable[..., ChatModel], Callable[[], list[tuple[str, str]]]]
"""Makes a model that gives these raw answers, and tells which (system, user) words it was asked."""


@pytest.fixture(params=["openai", "scripted"])
async def made(request: pytest.FixtureRequest, fake: OpenAIFake, registry: RegistryOn) -> AsyncIterator[Made]:
    """Give both kinds in turn."""
    if request.param == "scripted":
        models: list[ScriptedModel] = []

        def scripted(*answers: str) -> ChatModel:
            models.append(ScriptedModel(*answers))
            return models[-1]

        yield scripted, lambda: [(p.system, p.user) for p in models[-1].prompts]
        return
    async with registry() as opened:
        run: RunModels = opened.for_run(10, 12)

        def real(*answers: str) -> ChatModel:
            fake.script.answer(*answers)
            return run.model("classify")

        yield real, lambda: [_words(entry.body["messages"]) for entry in fake.log.chats()]


async def test_gives_the_answer_read_into_the_schema(made: Made) -> None:
    model = made[0](json.dumps(GOOD))

    assert await model.answer(PROMPT, Label) == ANSWER


async def test_gives_answers_in_order(made: Made) -> None:
    model = made[0](json.dumps(GOOD), json.dumps({**GOOD, "mark": 1}))

    first, second = await model.answer(PROMPT, Label), await model.answer(PROMPT, Label)

    assert (first.mark, second.mark) == (4, 1)


async def test_is_asked_the_systems_and_the_users_words_apart(made: Made) -> None:
    model = made[0](json.dumps(GOOD))

    await model.answer(PROMPT, Label)

    assert made[1]() == [(PROMPT.system, PROMPT.user)]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("refund", id="no-json"),
        pytest.param("", id="nothing"),
        pytest.param("null", id="null"),
        pytest.param('{"category": "refund", "mark": 4, "reason": ""}', id="an-unknown-class"),
        pytest.param('{"category": "order_delivery", "mark": 6, "reason": ""}', id="out-of-range"),
        pytest.param('{"category": "order_delivery", "mark": NaN, "reason": ""}', id="nan"),
        pytest.param('{"mark": 1, "mark": 4, "category": "order_delivery", "reason": ""}', id="a-key-twice"),
        pytest.param('はい。{"category": "order_delivery", "mark": 4, "reason": ""}', id="words-before"),
        pytest.param('{"category": "order_delivery", "mark": 4}', id="a-missing-field"),
        pytest.param('{"category": "order_delivery", "mark": "4", "reason": ""}', id="a-number-in-quotes"),
    ],
)
async def test_refuses_what_is_not_of_the_asked_form(made: Made, raw: str) -> None:
    model = made[0](raw)

    with pytest.raises(ReplyUnreadable):
        await model.answer(PROMPT, Label)


@pytest.mark.parametrize("failure", [NothingFits("x"), FactUnknown("x"), ReplyRefused("x")])
async def test_the_stand_in_fails_as_it_is_told(failure: FlowError) -> None:
    with pytest.raises(type(failure)):
        await ScriptedModel(failure).answer(PROMPT, Label)


async def test_the_stand_in_refuses_more_questions_than_it_has_answers() -> None:
    model = ScriptedModel(ANSWER)
    await model.answer(PROMPT, Label)

    with pytest.raises(AssertionError, match="asked 2 times"):
        await model.answer(PROMPT, Label)


async def test_a_run_that_is_streamed_still_asks_for_whole_answers(fake: OpenAIFake, registry: RegistryOn) -> None:
    async with registry() as models:
        run = models.for_run(10, 12)

        async def node(state: _State) -> _State:
            return {"label": await run.model("classify").answer(PROMPT, Label)}

        graph = StateGraph(_State).add_node("node", node).set_entry_point("node").compile()
        async for _ in graph.astream({}, stream_mode="messages"):
            pass

    assert [entry.body.get("stream") for entry in fake.log.chats()] == [False]
    assert run.calls[0].error is None


def _words(messages: list[dict[str, str]]) -> tuple[str, str]:
    assert [message["role"] for message in messages] == ["system", "user"]
    return messages[0]["content"], messages[1]["content"]
