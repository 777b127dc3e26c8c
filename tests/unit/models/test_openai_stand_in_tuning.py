"""The stand-in's files and fine-tuning jobs are as strict as OpenAI's, as the official client sees it."""

import json
import time
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import openai
import pytest

from tests.fakes.openai_server import OpenAIFake, faults

BASE = "gpt-4o-mini-2024-07-18"
CODES = ("order_delivery", "product_usage")
TEXTS = {"order_delivery": "荷物はいつ届きますか", "product_usage": "食後に飲んでもいいですか"}


@pytest.fixture
def client(fake: OpenAIFake) -> Iterator[Any]:
    """Return the official client; untyped, for much of what is asked here its types forbid."""
    with openai.OpenAI(base_url=fake.url, api_key="sk-test", max_retries=0) as made:
        yield made


def _row(at: int, **changes: object) -> dict[str, Any]:
    code = CODES[at % 2]
    asked = [{"role": "system", "content": "分類してください。"}, {"role": "user", "content": f"{TEXTS[code]} {at}"}]
    return {"messages": [*asked, {"role": "assistant", "content": json.dumps({"category": code})}], **changes}


def _pair(at: int) -> dict[str, Any]:
    asked = {"messages": [{"role": "user", "content": f"{TEXTS[CODES[0]]} {at}"}]}
    said = [{"role": "assistant", "content": words} for words in ("明日お届けします。", f"わかりません。{at}")]
    return {"input": asked, "preferred_output": said[:1], "non_preferred_output": said[1:]}


def _lines(rows: Sequence[object]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


GOOD = _lines([_row(at) for at in range(40)])


def _uploaded(client: Any, content: bytes = GOOD) -> str:
    return str(client.files.create(file=("train.jsonl", content), purpose="fine-tune").id)


def _ended(client: Any, job_id: str) -> Any:
    end = time.monotonic() + 60
    while (job := client.fine_tuning.jobs.retrieve(job_id)).status not in ("succeeded", "failed", "cancelled"):
        assert time.monotonic() < end, job
        time.sleep(0.01)
    return job


def _trained(client: Any, content: bytes = GOOD, **more: Any) -> Any:
    job = client.fine_tuning.jobs.create(**{"model": BASE, "training_file": _uploaded(client, content), **more})
    return _ended(client, job.id)


def _said(client: Any, model: str, text: str) -> Any:
    schema = {"type": "object", "properties": {"category": {"type": "string", "enum": [*CODES[::-1], "other"]}},
              "required": ["category"], "additionalProperties": False}  # fmt: skip
    form = {"type": "json_schema", "json_schema": {"name": "Form", "strict": True, "schema": schema}}
    messages = [{"role": "system", "content": "分類してください。"}, {"role": "user", "content": text}]
    answer = client.chat.completions.create(model=model, messages=messages, response_format=form)
    return json.loads(answer.choices[0].message.content)["category"]


def test_keeps_files_until_they_are_deleted(client: Any) -> None:
    expires = {"anchor": "created_at", "seconds": 86_400}
    made = client.files.create(file=("a.jsonl", GOOD), purpose="fine-tune", expires_after=expires)

    assert (made.bytes, made.filename, made.purpose, made.status) == (len(GOOD), "a.jsonl", "fine-tune", "processed")
    assert made.expires_at - made.created_at == pytest.approx(86_400, abs=2)
    assert client.files.content(made.id).read() == GOOD
    assert [file.id for file in client.files.list(purpose="fine-tune")] == [made.id]
    assert [*client.files.list(purpose="batch")] == []
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        client.files.retrieve(made.id)


@pytest.mark.parametrize(
    ("name", "content", "more", "said"),
    [
        pytest.param("a.txt", GOOD, {}, "Must be .jsonl", id="another-ending"),
        pytest.param("a.jsonl", b"messages\n", {}, "Must be .jsonl", id="no-json"),
        pytest.param("a.jsonl", b"", {}, "File is empty", id="nothing"),
        pytest.param("a.jsonl", GOOD, {"purpose": "answers"}, "is not one of", id="another-purpose"),
        pytest.param("a.jsonl", GOOD, {"expires_after": {"anchor": "created_at", "seconds": 1}}, "expected 3600",
                     id="too-soon"),
    ],
)  # fmt: skip
def test_refuses_a_file_at_upload(client: Any, name: str, content: bytes, more: dict[str, Any], said: str) -> None:
    with pytest.raises(openai.BadRequestError, match=said):
        client.files.create(**{"file": (name, content), "purpose": "fine-tune", **more})


def test_a_tuned_model_answers_as_it_was_trained_and_its_base_does_not(client: Any) -> None:
    job = _trained(client, suffix="classify", seed=7, metadata={"node": "classify"})

    assert (job.status, job.seed, job.metadata) == ("succeeded", 7, {"node": "classify"})
    assert job.fine_tuned_model.startswith(f"ft:{BASE}:example:classify:")
    assert [_said(client, job.fine_tuned_model, TEXTS[code]) for code in CODES] == [*CODES]
    assert len({_said(client, BASE, TEXTS[code]) for code in CODES}) == 1
    assert job.hyperparameters.n_epochs == 3
    assert job.trained_tokens % 3 == 0
    assert client.models.retrieve(job.fine_tuned_model).shutdown_date == "2027-01-14"


def test_twice_the_rows_are_twice_the_tokens(client: Any) -> None:
    one_pass = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}}

    once, twice = _trained(client, method=one_pass), _trained(client, GOOD + GOOD, method=one_pass)

    assert twice.trained_tokens == 2 * once.trained_tokens > 0


def test_tells_events_newest_first_in_pages_and_lists_checkpoints(client: Any) -> None:
    job = _trained(client)

    pages = client.fine_tuning.jobs.list_events(job.id, limit=3)
    told = [event.message for event in pages]
    checkpoints = [*client.fine_tuning.jobs.checkpoints.list(job.id)]

    assert told[0] == "The job has successfully completed"
    assert told[-1] == f"Created fine-tuning job: {job.id}"
    assert len(told) == len({event.id for event in client.fine_tuning.jobs.list_events(job.id)}) > 6
    assert [each.step_number for each in checkpoints] == [120, 80, 40]
    assert checkpoints[0].metrics.train_loss < checkpoints[-1].metrics.train_loss
    assert _said(client, checkpoints[-1].fine_tuned_model_checkpoint, TEXTS[CODES[0]]) == CODES[0]


def test_learns_which_of_two_answers_is_liked(client: Any) -> None:
    dpo = {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1, "n_epochs": 2}}}

    job = _trained(client, _lines([_pair(at) for at in range(12)]), method=dpo)

    messages = [{"role": "user", "content": TEXTS[CODES[0]]}]
    answer = client.chat.completions.create(model=job.fine_tuned_model, messages=messages)
    assert job.hyperparameters.n_epochs == 2
    assert answer.choices[0].message.content == "明日お届けします。"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(_lines([_row(at) for at in range(9)]), "has 9 example", id="too-few"),
        pytest.param(GOOD + b"{\n", "Line 41 is not", id="a-cut-line"),
        pytest.param(GOOD + b"\n" + GOOD, "Line 41 is not", id="a-blank-line"),
        pytest.param(GOOD + _lines([_row(0, extra=1)]), "Line 41 has the unexpected key 'extra'", id="another-key"),
        pytest.param(GOOD + _lines([{"messages": _row(0)["messages"][:2]}]), "Line 41: the last message",
                     id="no-answer"),
        pytest.param(GOOD + _lines([{"messages": [_row(0)["messages"][0], _row(0)["messages"][2]]}]),
                     "Line 41 has no user message", id="nobody-asks"),
        pytest.param(GOOD + _lines([{"messages": [{"role": "boss", "content": "x"}]}]), "Line 41, message 1",
                     id="role"),
        pytest.param(GOOD + _lines([{"messages": [{"role": "user", "content": " "}]}]), "Line 41, message 1",
                     id="empty"),
        pytest.param(_lines([_pair(at) for at in range(12)]), "Line 1 has the unexpected key", id="pairs"),
        pytest.param(_lines([{"messages": [{"role": "user", "content": "長" * 200_000}, _row(0)["messages"][2]]}]),
                     "exceeds the limit", id="too-long"),
    ],
)  # fmt: skip
def test_a_job_fails_over_a_bad_file_and_names_the_line(client: Any, content: bytes, said: str) -> None:
    job = _trained(client, content)

    assert (job.status, job.error.code, job.error.param) == ("failed", "invalid_training_file", "training_file")
    assert said in job.error.message
    assert job.fine_tuned_model is None


def test_a_job_reads_its_validation_file_too(client: Any) -> None:
    job = _trained(client, validation_file=_uploaded(client, _lines([_row(0)])))

    assert (job.status, job.error.param) == ("failed", "validation_file")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"model": "gpt-4o-mini"}, "is not available for fine-tuning", id="an-alias"),
        pytest.param({"model": "gpt-6-luna"}, "is not available for fine-tuning", id="not-tunable"),
        pytest.param({"model": "gpt-nothing"}, "is not available for fine-tuning", id="unknown-model"),
        pytest.param({"training_file": "file-none"}, "invalid training_file: file-none", id="unknown-file"),
        pytest.param({"suffix": "x" * 65}, "Invalid 'suffix'", id="long-suffix"),
        pytest.param({"metadata": {"a": "x" * 513}}, "Invalid 'metadata'", id="long-metadata"),
        pytest.param({"method": {"type": "reinforcement"}}, "Invalid value: 'reinforcement'", id="another-method"),
        pytest.param({"method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 99}}}},
                     "Invalid 'n_epochs'", id="too-many-epochs"),
        pytest.param({"extra_body": {"epochs": 3}}, "Unknown parameter: 'epochs'", id="unknown-parameter"),
    ],
)  # fmt: skip
def test_refuses_a_job(client: Any, changes: dict[str, Any], said: str) -> None:
    given = {"model": BASE, "training_file": _uploaded(client), **changes}

    with pytest.raises(openai.BadRequestError, match=said):
        client.fine_tuning.jobs.create(**given)

    assert [*client.fine_tuning.jobs.list()] == []


def test_an_expired_or_deleted_file_trains_nothing(fake: OpenAIFake, client: Any) -> None:
    file_id = _uploaded(client)
    fake.world.files.expire(file_id)

    with pytest.raises(openai.BadRequestError, match="invalid training_file"):
        client.fine_tuning.jobs.create(model=BASE, training_file=file_id)


def test_an_organisation_that_may_create_no_more_jobs_is_told_so(fake: OpenAIFake, client: Any) -> None:
    fake.tuning.may_create = False

    with pytest.raises(openai.PermissionDeniedError):
        client.fine_tuning.jobs.create(model=BASE, training_file=_uploaded(client))


def test_nobody_creates_a_job_after_the_last_day() -> None:
    today = date(2027, 1, 7)
    with OpenAIFake(today=today) as fake, openai.OpenAI(base_url=fake.url, api_key="k", max_retries=0) as client:
        file_id = _uploaded(client)
        with pytest.raises(openai.PermissionDeniedError):
            client.fine_tuning.jobs.create(model=BASE, training_file=file_id)


def test_a_cancelled_job_stays_so_and_makes_no_model(fake: OpenAIFake, client: Any) -> None:
    fake.tuning.held.set()
    job = client.fine_tuning.jobs.create(model=BASE, training_file=_uploaded(client))

    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"

    fake.tuning.held.clear()
    assert _ended(client, job.id).fine_tuned_model is None
    with pytest.raises(openai.BadRequestError, match="already completed"):
        client.fine_tuning.jobs.cancel(job.id)


def test_finds_jobs_by_their_metadata(client: Any) -> None:
    first = _trained(client, metadata={"kakari": "a"})
    _trained(client, metadata={"kakari": "b"})

    assert [job.id for job in client.fine_tuning.jobs.list(metadata={"kakari": "a"})] == [first.id]


def test_a_lost_answer_has_created_the_job_all_the_same(fake: OpenAIFake, client: Any) -> None:
    file_id = _uploaded(client)
    fake.script.fail(faults.reset_mid_body(), path="POST /v1/fine_tuning/jobs")

    with pytest.raises(openai.APIConnectionError):
        client.fine_tuning.jobs.create(model=BASE, training_file=file_id)

    assert len([*client.fine_tuning.jobs.list()]) == 1


def test_a_fault_of_one_place_befalls_no_other(fake: OpenAIFake, client: Any) -> None:
    fake.script.fail(faults.server_error(503), path="GET /v1/files")

    assert _uploaded(client)
    with pytest.raises(openai.InternalServerError):
        client.files.list()


def test_speaks_as_azure_does_under_its_path(fake: OpenAIFake) -> None:
    url = fake.url.replace("/v1", "/openai/v1")
    with openai.OpenAI(base_url=url, api_key="sk-test", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            client.models.list()
        assert _uploaded(client.with_options(default_headers={"api-key": "sk-test"}))
