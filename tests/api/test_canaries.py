"""What patients write stays where it belongs: no canary in the logs, traces, metrics and error answers of a server.

A quick run sends two canaries of each format; CANARIES=200 sends all, as the figure of P15 asks. Logs, traces and error
answers by themselves are held to all 200 in tests/unit.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import psycopg

from pharmacy.storage.address import libpq, read_address
from tests.api.answers import by_words
from tests.api.canaries import canaries, leaked
from tests.fakes.langsmith_server import LangSmithFake
from tests.fakes.langsmith_server.fake import KEY
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.script import Asked
from tests.faults.processes import Kakari, until

COUNT = int(os.environ.get("CANARIES", "40"))
EVERY = canaries()[:COUNT]


def test_no_canary_stands_outside_its_place(database_url: str, tmp_path: Path, figure: Callable[..., None]) -> None:
    with _running(database_url, tmp_path) as (server, langsmith), server.client() as client:
        shown = _send_all(client)
        shown += _provoke(client, database_url)
        until("an outcome for every message", lambda: _answered(database_url), 300, every=0.5)
        shown.append(client.get("/metrics").text)
        until("traces", lambda: len(langsmith.roots()) >= len(EVERY) // 2, 60)
        _break_a_run(client, database_url)
        log = until("a logged bug", lambda: _log_with_trace(server), 30)
        traces = langsmith.everything()

    found = leaked("\n".join([*shown, log, traces]), EVERY)
    figure("P15", "canaries in answers, logs, traces and figures", measured=f"{len(found)} of {COUNT}",
           asked="0 of 200",
           holds=not found)  # fmt: skip
    # What the sets were looked for in is really there: else nothing was shown.
    assert "〔氏名1〕" in traces
    assert "食前ですか" in traces
    assert langsmith.problems == []
    assert "store_busy" in log
    assert len(leaked(_stored(database_url), EVERY)) == sum(len(canary.secrets) for canary in EVERY)


def _answers_badly(asked: Asked) -> Any:
    """Answer well two times in three; else repeat the patient's words where no node expects them."""
    if asked.number % 6 == 1:
        return f"これは JSON ではありません: {asked.user}"
    answer = by_words(asked)
    if asked.number % 6 == 3 and asked.schema_name == "Classification":
        answer["category"] = asked.user[-200:]
    if asked.schema_name == "Verdict":
        answer["safety"]["reason"] = asked.user[-300:]
    return answer


@contextmanager
def _running(database_url: str, folder: Path) -> Iterator[tuple[Kakari, LangSmithFake]]:
    with OpenAIFake() as provider, LangSmithFake() as langsmith:
        provider.script.rule = _answers_badly
        variables = {
            "DATABASE_URL": database_url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k",
            "KAKARI_SETTLE_SECONDS": "0", "LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": KEY,
            "LANGSMITH_ENDPOINT": langsmith.url,
        }  # fmt: skip
        with Kakari(folder / "home", variables) as server:
            server.ready()
            yield server, langsmith


def test_the_names_of_the_pharmacys_people_are_not_traced(database_url: str, tmp_path: Path) -> None:
    with _running(database_url, tmp_path) as (server, langsmith), server.client() as client:
        with psycopg.connect(libpq(read_address(database_url)), autocommit=True) as owner:
            owner.execute(
                "INSERT INTO accounts (id, pharmacy_id, name, role)"
                " SELECT gen_random_uuid(), id, 'Quillfeather', 'pharmacist' FROM pharmacies"
            )
        words = "この前の漢方は食前ですか、quillfeather にも聞きました"
        assert client.post("/v1/messages", json={"conversation_id": "c", "text": words}).status_code == 202
        until("a trace", langsmith.roots, 60)
        traces = langsmith.everything()

    assert "食前ですか" in traces
    assert "quillfeather" not in traces.casefold()


def _send_all(client: httpx2.Client) -> list[str]:
    """Send each canary as a message, and once more as a patient's name or as another message of the same id."""
    shown = []
    for number, canary in enumerate(EVERY):
        body = {"conversation_id": f"c{number}", "text": canary.sentence, "message_id": f"m{number}"}
        assert client.post("/v1/messages", json=body).status_code == 202
        if number % 5 == 0:
            shown.append(client.post("/v1/messages", json=body | {"text": f"別の話です。{canary.sentence}"}).text)
    return shown


def _provoke(client: httpx2.Client, database_url: str) -> list[str]:
    """Return error answers to requests that hold canaries wherever something can be wrong."""
    shown = []
    for number, canary in enumerate(EVERY):
        words = canary.sentence
        bodies: list[Any] = [
            {"conversation_id": words, "text": "x"},
            {"conversation_id": "c", "text": [words]},
            {"conversation_id": "c", "text": "x", words: words},
            {"conversation_id": "c", "text": "x", "sent_at": words},
            {"conversation_id": "c", "text": "x", "patient": {"id": words, "name": words, "sex": words}},
            words,
        ]
        # Two of the mistakes for each canary, each mistake for canaries of every format.
        for body in (bodies[(number + number // 20) % 6], bodies[(number + number // 20 + 3) % 6]):
            answer = client.post("/v1/messages", json=body)
            assert answer.status_code in (400, 422), answer.text
            shown.append(answer.text)
        if number % 20 == number // 20:
            shown.append(client.post("/v1/messages", content=b"{" + words.encode()).text)
            shown.append(client.get(f"/v1/conversations/{quote(words)}").text)
    return shown + _while_busy(client, database_url)


def _while_busy(client: httpx2.Client, database_url: str) -> list[str]:
    with psycopg.connect(libpq(read_address(database_url))) as other:
        other.execute("SELECT FROM conversations WHERE id = 'c0' FOR UPDATE")
        answer = client.post("/v1/messages", json={"conversation_id": "c0", "text": EVERY[0].sentence})
    assert answer.status_code == 503
    return [answer.text]


def _break_a_run(client: httpx2.Client, database_url: str) -> None:
    """Have a bug meet a patient's profile that nobody can read."""
    odd = json.dumps({"name": {"odd": EVERY[0].sentence}, "orders": EVERY[1].sentence})
    with psycopg.connect(libpq(read_address(database_url)), autocommit=True) as owner:
        owner.execute("UPDATE patients SET profile = %s WHERE id = 'c1'", [odd])
    assert client.post("/v1/messages", json={"conversation_id": "c1", "text": EVERY[1].sentence}).status_code == 202


def _log_with_trace(server: Kakari) -> str | None:
    log = server.log.read_text("utf-8")
    return log if "job_failed" in log and "Traceback" in log else None


def _answered(database_url: str) -> bool:
    with psycopg.connect(libpq(read_address(database_url))) as owner:
        (waiting,) = owner.execute(
            "SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NULL"
        ).fetchone() or (1,)
    return waiting == 0


def _stored(database_url: str) -> str:
    with psycopg.connect(libpq(read_address(database_url))) as owner:
        return "\n".join(text for (text,) in owner.execute("SELECT text FROM messages").fetchall())


def test_a_canary_that_is_written_in_escapes_is_seen() -> None:
    escaped = [json.dumps(canary.sentence) for canary in EVERY]

    assert len(leaked("\n".join(escaped), EVERY)) == sum(len(canary.secrets) for canary in EVERY)
