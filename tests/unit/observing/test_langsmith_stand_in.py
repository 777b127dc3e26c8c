"""The stand-in for LangSmith takes what its real client sends, and refuses what LangSmith refuses or will."""

import asyncio
import warnings
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from langsmith import Client
from langsmith.utils import LangSmithAPIError, LangSmithAuthError, LangSmithError, LangSmithNotFoundError
from pydantic import SecretStr

from pharmacy.observing.langsmith_client import client_of
from pharmacy.settings import Settings
from tests.fakes.langsmith_server import Fault, LangSmithFake
from tests.fakes.langsmith_server.fake import KEY

BEGAN = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def client_for(langsmith: LangSmithFake, key: str = KEY) -> Client:
    return client_of(Settings(langsmith_api_key=SecretStr(key), langsmith_endpoint=langsmith.url))


def a_run(client: Client) -> tuple[UUID, str]:
    run_id = uuid4()
    row = {"id": str(run_id), "trace_id": str(run_id), "name": "reply", "run_type": "chain", "session_name": "kakari",
           "dotted_order": f"20261123T030000000000Z{run_id}", "start_time": BEGAN.isoformat(), "inputs": {},
           "outputs": {}}  # fmt: skip
    client.multipart_ingest(create=[row])
    return run_id, str(client.read_project(project_name="kakari").id)


def test_feedback_is_taken_with_its_project_and_listed_again() -> None:
    with LangSmithFake() as langsmith:
        client = client_for(langsmith)
        run_id, project_id = a_run(client)

        client.create_feedback(run_id, "decision", score=0.5, trace_id=run_id, session_id=project_id, comment="edited")

        (found,) = client.list_feedback(run_ids=[run_id], session=[project_id])
        assert (found.key, found.score, found.comment) == ("decision", 0.5, "edited")
        assert langsmith.problems == []


def test_feedback_without_its_project_is_refused_by_client_and_server() -> None:
    with LangSmithFake() as langsmith:
        client = client_for(langsmith)
        run_id, _ = a_run(client)

        with pytest.raises(ValueError, match="session_id must be provided"):
            client.create_feedback(run_id, "decision", score=1)
        answer = client.session.post(
            f"{langsmith.url}/feedback", json={"id": str(uuid4()), "run_id": str(run_id), "key": "decision"},
            headers={"x-api-key": KEY},
        )  # fmt: skip
        assert answer.status_code == 422


def test_feedback_for_a_run_that_never_came_is_not_found() -> None:
    with LangSmithFake() as langsmith:
        client = client_for(langsmith)
        _, project_id = a_run(client)

        with pytest.raises(LangSmithNotFoundError):
            client.create_feedback(uuid4(), "decision", session_id=project_id, stop_after_attempt=1)


def test_a_run_in_an_annotation_queue_is_reviewed_and_listed_page_by_page() -> None:
    with LangSmithFake() as langsmith:
        client = client_for(langsmith)
        runs = [a_run(client)[0] for _ in range(5)]
        project_id = client.read_project(project_name="kakari").id
        queue = client.create_annotation_queue(name="kakari/default")
        items = [{"item_type": "RUN", "run_id": str(run), "session_id": str(project_id), "start_time": BEGAN}
                 for run in runs]  # fmt: skip

        async def put_and_list() -> list[str | None]:
            await client.annotation_queues.items.create(str(queue.id), items=items)  # type: ignore[arg-type]
            for run in runs:
                langsmith.platform.queues.archive(str(run))
            return [item.run_id async for item in client.annotation_queues.items.list(str(queue.id), status="archived")]

        assert asyncio.run(put_and_list()) == [str(run) for run in runs]
        assert [each.name for each in client.list_annotation_queues(name="kakari/default")] == ["kakari/default"]
        assert langsmith.problems == []


def test_a_dataset_keeps_splits_tags_and_earlier_states() -> None:
    with LangSmithFake() as langsmith, warnings.catch_warnings():
        warnings.simplefilter("error")
        client = client_for(langsmith)
        dataset = client.create_dataset("kakari/default/classify")
        rows = [{"id": uuid4(), "inputs": {"q": n}, "reference_outputs": {"a": n}, "split": split}
                for n, split in enumerate(["train", "train", "held_out"])]  # fmt: skip

        client.create_examples(dataset_id=dataset.id, examples=rows)
        first = client.read_dataset_version(dataset_id=dataset.id, tag="latest")
        client.update_dataset_tag(dataset_id=dataset.id, as_of=first.as_of, tag="v1")
        client.delete_examples([rows[0]["id"]])  # type: ignore[list-item]

        assert client.list_dataset_splits(dataset_id=dataset.id) == ["held_out", "train"]
        assert len([*client.list_examples(dataset_id=dataset.id)]) == 2
        assert len([*client.list_examples(dataset_id=dataset.id, as_of="v1")]) == 3
        (held,) = client.list_examples(dataset_id=dataset.id, as_of="v1", splits=["held_out"])
        assert (held.inputs, held.outputs) == ({"q": 2}, {"a": 2})
        assert langsmith.problems == []


def test_without_its_key_nothing_is_taken() -> None:
    with LangSmithFake() as langsmith, pytest.raises(LangSmithAuthError):
        client_for(langsmith, key="another").read_project(project_name="kakari")


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/runs/query"),
    ("GET", f"/runs/{UUID(int=7)}"),
    ("POST", f"/annotation-queues/{UUID(int=7)}/runs"),
    ("GET", f"/annotation-queues/{UUID(int=7)}/run/0"),
])  # fmt: skip
def test_routes_that_end_in_january_2027_are_gone(method: str, path: str) -> None:
    with LangSmithFake() as langsmith:
        answer = client_for(langsmith).session.request(method, langsmith.url + path, headers={"x-api-key": KEY})

        assert answer.status_code == 410
        assert len(langsmith.problems) == 1


def test_faults_come_as_often_as_they_are_told_to_and_every_request_is_on_record() -> None:
    with LangSmithFake() as langsmith:
        client = client_for(langsmith)
        langsmith.faults = [Fault("GET /sessions", 500, times=1)]

        with pytest.raises(LangSmithAPIError):
            client.read_project(project_name="kakari")
        with pytest.raises(LangSmithError):
            client.read_project(project_name="kakari")

        assert [asked for asked in langsmith.asked if asked[1] == "/sessions"] == [("GET", "/sessions")] * 2
