"""The stand-in is as strict as OpenAI itself, as the official client sees it."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx2
import openai
import pytest

from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.openai_server.script import Asked

pytestmark = pytest.mark.timed

ASK = [{"role": "user", "content": "こんにちは"}]


@pytest.fixture
def client(fake: OpenAIFake) -> Iterator[openai.OpenAI]:
    """Return the official client."""
    with openai.OpenAI(base_url=fake.url, api_key="sk-test", max_retries=0) as made:
        yield made


def _create(client: openai.OpenAI, **body: Any) -> Any:
    create: Any = client.chat.completions.create
    return create(**{"model": "gpt-4o", "messages": ASK, **body})


def _text(**keyword: object) -> dict[str, object]:
    return {"properties": {"a": {"type": "string", **keyword}}}


def _schema(**parts: object) -> dict[str, object]:
    shape = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "Form", "strict": True, "schema": {**shape, **parts}}}


def test_answers_under_the_models_dated_name(client: openai.OpenAI) -> None:
    answer = _create(client)

    assert answer.model == "gpt-4o-2024-08-06"
    assert answer.system_fingerprint
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_carries_the_providers_headers(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=ASK)  # type: ignore[arg-type]

    assert raw.headers["x-request-id"].startswith("req_")
    assert int(raw.headers["x-ratelimit-remaining-requests"]) > 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({"model": "gpt-nothing"}, 404, "model_not_found", id="unknown-model"),
        pytest.param({"model": "gpt-4o-2024-05-13"}, 404, "model_not_found", id="a-model-that-has-ended"),
        pytest.param({"foo": 1}, 400, "unknown_parameter", id="unknown-parameter"),
        pytest.param({"temperature": "0"}, 400, "invalid_type", id="a-number-in-quotes"),
        pytest.param({"temperature": 3}, 400, "invalid_value", id="too-hot"),
        pytest.param({"max_tokens": 5, "max_completion_tokens": 5}, 400, "invalid_value", id="both-limits"),
        pytest.param({"max_completion_tokens": 99_999}, 400, "invalid_value", id="too-many-tokens"),
        pytest.param({"model": "gpt-6-luna", "max_tokens": 5}, 400, "unsupported_parameter", id="the-old-limit"),
        pytest.param({"model": "gpt-6-luna", "temperature": 0}, 400, "unsupported_value", id="a-fixed-temperature"),
        pytest.param({"messages": []}, 400, "empty_array", id="no-messages"),
        pytest.param({"messages": None}, 400, "invalid_type", id="null-messages"),
        pytest.param({"messages": [{"role": "boss", "content": "x"}]}, 400, "invalid_value", id="unknown-role"),
        pytest.param({"messages": [{"role": "user", "content": "長" * 300_000}]}, 400, "context_length_exceeded",
                     id="too-long"),
        pytest.param({"stream_options": {"include_usage": True}}, 400, "invalid_value", id="options-without-stream"),
        pytest.param({"tools": []}, 501, None, id="not-emulated"),
    ],
)  # fmt: skip
def test_refuses_what_the_provider_refuses(fake: OpenAIFake, body: dict[str, object], status: int, code: str) -> None:
    sent = {"model": "gpt-4o", "messages": ASK, **body}

    answer = httpx2.post(f"{fake.url}/chat/completions", json=sent, headers={"authorization": "Bearer sk-test"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert fake.log.chats()[0].status == status


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        pytest.param({"additionalProperties": True}, "'additionalProperties' is required", id="free-keys"),
        pytest.param({"required": []}, "Missing 'a'", id="an-optional-field"),
        pytest.param(
            {"properties": {"a": {"type": "string", "maxLength": 5}}}, "'maxLength' is not permitted", id="length"
        ),
        pytest.param(
            {"properties": {"a": {"type": "string", "default": "x"}}}, "'default' is not permitted", id="default"
        ),
        pytest.param({"properties": {"a": {}}}, "must have a 'type' key", id="no-type"),
        pytest.param({"properties": {"a": {"type": "array"}}}, "missing items", id="no-items"),
        pytest.param(
            {"properties": {"a": {"$ref": "#", "description": "x"}}}, "cannot have keywords", id="beside-a-ref"
        ),
        pytest.param({"type": "array"}, "got 'type: \"array\"'", id="not-an-object"),
    ],
)
def test_refuses_a_schema_that_strict_mode_refuses(client: openai.OpenAI, parts: dict[str, object], said: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        _create(client, response_format=_schema(**parts))

    assert said in raised.value.message


def test_refuses_more_than_ten_levels(client: openai.OpenAI) -> None:
    deep: dict[str, object] = {"type": "string"}
    for _ in range(11):
        deep = {"type": "object", "properties": {"a": deep}, "required": ["a"], "additionalProperties": False}

    with pytest.raises(openai.BadRequestError, match="levels of nesting"):
        _create(client, response_format=_schema(**deep))


def test_refuses_a_missing_or_wrong_key() -> None:
    with OpenAIFake(key="sk-right") as fake:
        url = f"{fake.url}/chat/completions"

        without = httpx2.post(url, json={})
        wrong = httpx2.post(url, json={}, headers={"authorization": "Bearer sk-wrong-key-of-length"})

    assert (without.status_code, without.json()["error"]["code"]) == (401, None)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
    assert "sk-wrong-key-of-length" not in wrong.text


@pytest.mark.parametrize("wanted", [True, False])
def test_streams_and_tells_usage_only_when_asked(client: openai.OpenAI, wanted: bool) -> None:
    whole = _create(client)
    options = {"stream_options": {"include_usage": True}} if wanted else {}

    chunks = [*_create(client, stream=True, **options)]

    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert words == whole.choices[0].message.content
    assert [chunk.usage is not None for chunk in chunks].count(True) == wanted


def test_caches_leading_tokens_in_steps_of_128_from_1024_on(client: openai.OpenAI) -> None:
    def cached(system: str, user: str) -> int:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        usage = _create(client, messages=messages).usage
        return int(usage.prompt_tokens_details.cached_tokens)

    static = "漢方薬局の受付です。" * 300
    figures = [
        cached(static, "一"),
        cached(static, "二"),
        cached("短い", "一"),
        cached("短い", "一"),
        cached("違う", "一"),
    ]

    assert figures[0] == 0
    assert figures[1] >= 1024
    assert figures[1] % 128 == 0
    assert figures[2:] == [0, 0, 0]


def test_cuts_an_answer_at_its_limit(client: openai.OpenAI) -> None:
    answer = _create(client, max_completion_tokens=3)

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3


def test_tells_each_models_last_day(client: openai.OpenAI) -> None:
    assert client.models.retrieve("gpt-4o").shutdown_date == "2027-01-14"
    assert client.models.retrieve("gpt-6-luna").shutdown_date is None
    assert "gpt-4o-mini-2024-07-18" in {model.id for model in client.models.list()}


def test_a_model_ends_on_its_last_day() -> None:
    ended = pytest.raises(openai.NotFoundError, match="deprecated")

    with OpenAIFake(today=date(2027, 1, 14)) as fake, openai.OpenAI(base_url=fake.url, api_key="k") as client, ended:
        client.models.retrieve("gpt-4o")


def test_answers_by_queue_then_by_rule(fake: OpenAIFake, client: openai.OpenAI) -> None:
    def rule(asked: Asked) -> str:
        return f"{asked.number} {asked.model} {asked.user}"

    fake.script.rule = rule
    fake.script.answer("first")
    fake.script.answer("for mini", model="gpt-4o-mini")

    def said(model: str) -> str | None:
        content: str | None = _create(client, model=model).choices[0].message.content
        return content

    assert [said("gpt-4o"), said("gpt-4o"), said("gpt-4o-mini")] == ["first", "2 gpt-4o こんにちは", "for mini"]


def test_prefers_a_hint_where_it_fits(fake: OpenAIFake, client: openai.OpenAI) -> None:
    fake.script.hints["a"] = "望みの値"

    answer = _create(client, response_format=_schema())

    assert json.loads(answer.choices[0].message.content or "") == {"a": "望みの値"}


def test_a_fault_can_befall_one_request_one_model_or_one_form(fake: OpenAIFake, client: openai.OpenAI) -> None:
    fake.script.fail(faults.server_error(503), nth=2)
    fake.script.fail(faults.unauthorized(), model="gpt-4o-mini")
    fake.script.fail(faults.forbidden(), schema="Form")

    def status(model: str, **more: object) -> int:
        try:
            _create(client, model=model, **more)
        except openai.APIStatusError as error:
            return error.status_code
        return 200

    seen = [status("gpt-4o"), status("gpt-4o"), status("gpt-4o-mini"), status("gpt-4o", response_format=_schema())]

    assert seen == [200, 503, 401, 403]
    assert status("gpt-4o") == 200


def test_another_process_can_read_the_log_and_set_faults(fake: OpenAIFake, client: openai.OpenAI) -> None:
    root = fake.url.removesuffix("/v1")
    httpx2.post(f"{root}/_fault", json={"name": "server_error", "with": [502]})

    with pytest.raises(openai.InternalServerError):
        _create(client)

    (row,) = httpx2.get(f"{root}/_log").json()
    assert (row["status"], row["fault"], row["body"]["model"]) == (502, "server_error_502", "gpt-4o")
    assert "sk-test" not in json.dumps(row)


def test_answers_many_at_once() -> None:
    with OpenAIFake(latency_seconds=0.3) as fake, openai.OpenAI(base_url=fake.url, api_key="k") as client:
        client.models.list()
        begun = time.monotonic()

        def ask() -> None:
            _create(client)

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(fake.log.chats()) == 20
    assert time.monotonic() - begun < 3
