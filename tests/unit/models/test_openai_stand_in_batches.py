"""The stand-in's stored completions and batches, as the official client sees them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.fakes.openai_server import OpenAIFake, faults

ASK = [{"role": "user", "content": "こんにちは"}]


@pytest.fixture
def client(fake: OpenAIFake) -> Iterator[Any]:
    """Return the official client; untyped, for much of what is asked here its types forbid."""
    with openai.OpenAI(base_url=fake.url, api_key="sk-test", max_retries=0) as made:
        yield made


def _asked(client: Any, **more: Any) -> Any:
    return client.chat.completions.create(**{"model": "gpt-4o-2024-08-06", "messages": ASK, **more})


def test_stores_what_was_asked_to_be_stored_and_nothing_else(client: Any) -> None:
    kept = _asked(client, store=True, metadata={"node": "classify"})
    _asked(client)

    assert [each.id for each in client.chat.completions.list()] == [kept.id]
    shown = client.chat.completions.retrieve(kept.id)
    assert (shown.metadata, shown.choices[0].message.content) == ({"node": "classify"}, kept.choices[0].message.content)
    assert [each.content for each in client.chat.completions.messages.list(kept.id)] == ["こんにちは"]


def test_lists_stored_completions_by_metadata_and_model_in_pages(client: Any) -> None:
    kept = [_asked(client, store=True, metadata={"node": "classify" if at % 2 else "judge"}).id for at in range(7)]
    _asked(client, store=True, model="gpt-4o-mini-2024-07-18", metadata={"node": "classify"})

    found = client.chat.completions.list(metadata={"node": "classify"}, model="gpt-4o-2024-08-06", limit=2)

    assert [each.id for each in found] == kept[1::2]
    assert [each.id for each in client.chat.completions.list(order="desc")][1:] == kept[::-1]


def test_a_stored_completions_labels_can_be_changed_and_it_can_be_deleted(client: Any) -> None:
    kept = _asked(client, store=True)

    assert client.chat.completions.update(kept.id, metadata={"used": "yes"}).metadata == {"used": "yes"}
    assert client.chat.completions.delete(kept.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(kept.id)


def _line(custom_id: str, **changes: Any) -> dict[str, Any]:
    body = {"model": "gpt-4o-2024-08-06", "messages": ASK}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body, **changes}


def _batch(client: Any, lines: list[Any]) -> Any:
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    file = client.files.create(file=("b.jsonl", content), purpose="batch")
    endpoint = "/v1/chat/completions"
    return client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h")


def _ended(client: Any, batch: Any) -> Any:
    end = time.monotonic() + 60
    while (batch := client.batches.retrieve(batch.id)).status not in ("completed", "failed", "expired", "cancelled"):
        assert time.monotonic() < end, batch
        time.sleep(0.01)
    return batch


def _rows(client: Any, file_id: str | None) -> dict[str, Any]:
    lines = client.files.content(file_id).read().decode().splitlines() if file_id else []
    return {row["custom_id"]: row for row in map(json.loads, lines)}


def test_answers_a_batch_request_by_request(fake: OpenAIFake, client: Any) -> None:
    fake.script.rule = lambda asked: f"{asked.number}"

    batch = _ended(client, _batch(client, [_line("a"), _line("b")]))

    found = _rows(client, batch.output_file_id)
    assert (batch.status, batch.request_counts.completed, batch.error_file_id) == ("completed", 2, None)
    assert [found[each]["response"]["body"]["choices"][0]["message"]["content"] for each in "ab"] == ["1", "2"]


def test_a_part_of_a_batch_may_fail(fake: OpenAIFake, client: Any) -> None:
    fake.script.fail(faults.server_error(), nth=2)
    wrong = _line("c", body={"model": "gpt-4o-2024-08-06", "messages": []})

    batch = _ended(client, _batch(client, [_line("a"), _line("b"), wrong]))

    failed = _rows(client, batch.error_file_id)
    assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 2)
    assert [*_rows(client, batch.output_file_id)] == ["a"]
    assert {key: row["response"]["status_code"] for key, row in failed.items()} == {"b": 500, "c": 400}


def test_what_the_window_leaves_undone_stands_in_the_error_file(fake: OpenAIFake, client: Any) -> None:
    fake.world.batches.expires_after = 1

    batch = _ended(client, _batch(client, [_line("a"), _line("b"), _line("c")]))

    errors = {key: row["error"]["code"] for key, row in _rows(client, batch.error_file_id).items()}
    assert (batch.status, [*_rows(client, batch.output_file_id)]) == ("expired", ["a"])
    assert errors == {"b": "batch_expired", "c": "batch_expired"}


def test_a_batch_can_be_cancelled(fake: OpenAIFake, client: Any) -> None:
    fake.world.batches.step_seconds = 0.3
    batch = _batch(client, [_line(str(at)) for at in range(50)])

    assert client.batches.cancel(batch.id).status == "cancelling"

    assert _ended(client, batch).status == "cancelled"
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        pytest.param([_line("a"), _line("a")], "duplicate_custom_id", id="twice-the-same-id"),
        pytest.param([_line("a"), {"custom_id": "b"}], "missing_required_parameter", id="half-a-request"),
        pytest.param([_line("a", url="/v1/embeddings")], "invalid_url", id="another-address"),
        pytest.param([_line("a"), "b"], "invalid_json_line", id="no-object"),
    ],
)
def test_a_batch_fails_whole_over_a_bad_file(client: Any, lines: list[Any], code: str) -> None:
    batch = _ended(client, _batch(client, lines))

    assert (batch.status, batch.errors.data[0].code, batch.errors.data[0].line) == ("failed", code, len(lines))


def test_a_training_file_is_no_batch(client: Any) -> None:
    file = client.files.create(file=("a.jsonl", b"{}\n"), purpose="fine-tune")

    with pytest.raises(openai.BadRequestError, match="Invalid input file"):
        client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
