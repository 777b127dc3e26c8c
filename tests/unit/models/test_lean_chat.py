"""The chat whose requests go our own way is still the framework's: messages, usage, errors and callbacks."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.outputs import LLMResult
from langchain_core.runnables import RunnableLambda
from pydantic import SecretStr

from pharmacy.models.lean_chat import LeanChat
from pharmacy.models.transport import Transport
from pharmacy.tls import tls
from tests.fakes.openai_server import OpenAIFake, faults
from tests.unit.models.setting import PROMPT, Label, RegistryOn


class Follower(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.ended: list[LLMResult] = []
        self.failed: list[BaseException] = []

    async def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        self.ended.append(response)

    async def on_llm_error(self, error: BaseException, **_: Any) -> None:
        self.failed.append(error)


@pytest.fixture
async def chat(fake: OpenAIFake) -> AsyncIterator[LeanChat]:
    transport = Transport(fake.url, "sk-test", {})
    async with httpx2.AsyncClient(verify=tls()) as never_called:
        yield LeanChat.on(
            transport, model="gpt-4o-2024-08-06", base_url=fake.url, api_key=SecretStr("sk-test"), stream_usage=True,
            http_async_client=never_called, max_retries=0,
        )  # fmt: skip
    await transport.aclose()


async def test_a_message_comes_back_with_its_usage_and_who_follows_is_told(chat: LeanChat) -> None:
    follower = Follower()

    said = await chat.ainvoke("こんにちは", config={"callbacks": [follower]})

    assert said.text
    assert said.usage_metadata
    assert said.usage_metadata["input_tokens"] > 0
    assert said.response_metadata["model_name"] == "gpt-4o-2024-08-06"
    assert len(follower.ended) == 1


async def test_it_streams_as_the_framework_streams(chat: LeanChat) -> None:
    made = [piece async for piece in chat.astream("こんにちは")]

    whole = made[0]
    for piece in made[1:]:
        whole += piece
    assert whole.text
    assert whole.usage_metadata
    assert len(made) > 1


async def test_a_refused_call_is_the_official_client_s_own_error(fake: OpenAIFake, chat: LeanChat) -> None:
    fake.script.fail(faults.rate_limited("7"))
    follower = Follower()

    with pytest.raises(openai.RateLimitError) as raised:
        await chat.ainvoke("こんにちは", config={"callbacks": [follower]})

    assert raised.value.status_code == 429
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.code
    assert follower.failed == [raised.value]


async def test_a_node_s_call_is_told_to_whoever_follows_the_framework_s_calls(
    fake: OpenAIFake, registry: RegistryOn
) -> None:
    follower = Follower()

    async with registry() as models:
        model = models.for_run(10, 12).model("classify")

        async def asked(_: int) -> Label:
            return await model.answer(PROMPT, Label)

        alone = await asked(0)
        followed = await RunnableLambda(asked).ainvoke(0, config={"callbacks": [follower]})

    assert alone == followed
    assert len(follower.ended) == 1
    first, second = ({**entry.body, "stream": False} for entry in fake.log.chats())
    assert first == second
