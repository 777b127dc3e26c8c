"""Traces reach LangSmith redacted, or not at all; nobody ever waits for them."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from pharmacy.observing.trace import Passage, Trace
from pharmacy.observing.tracing import Tracing
from pharmacy.redaction.redact import Redactor
from pharmacy.settings import Settings
from tests.api.canaries import canaries, leaked
from tests.fakes.langsmith_server import LangSmithFake
from tests.fakes.langsmith_server.fake import KEY

pytestmark = pytest.mark.timed

CHECKOUT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def settings_for(url: str) -> Settings:
    return Settings(langsmith_tracing=True, langsmith_api_key=SecretStr(KEY), langsmith_endpoint=url)


def a_trace(text: str = "田中花子です。電話は090-1234-5678です。", node: str = "classify") -> Trace:
    calls = Passage(
        node, NOW, NOW + timedelta(seconds=1), by_model=True, inputs={"blanks": {"transcript": text}},
        outputs={"deep": [[[{"output": text}]]]}, metadata={"errors": [text]}, error=text,
    )  # fmt: skip
    return Trace(
        uuid4(), NOW, NOW + timedelta(seconds=2), {"messages": [{"from": "patient", "text": text}]}, {"reply": text},
        {"thread_id": "abc"}, (calls,), known_names=("花房 ゆり江",), error=None,
    )  # fmt: skip


def test_a_message_is_one_trace_with_one_run_per_node_under_its_name() -> None:
    with LangSmithFake() as langsmith:
        tracing = Tracing(settings_for(langsmith.url), Redactor(), ["classify"])

        tracing.offer("default/c-1", a_trace)

        assert langsmith.has(1)
        (root,) = langsmith.roots()
        assert root["name"] == "reply"
        assert root["session_name"] == "kakari"
        assert [run["name"] for run in langsmith.under(root)] == ["classify"]
        assert langsmith.problems == []
        tracing.close()


def test_nothing_personal_leaves_in_inputs_outputs_metadata_or_errors() -> None:
    text = "花房ゆり江です。田中花子の娘です。電話は090-1234-5678、メールはhanako@example.com。"
    with LangSmithFake() as langsmith:
        tracing = Tracing(settings_for(langsmith.url), Redactor(), ["classify"])

        tracing.offer("default/c-1", lambda: a_trace(text))

        assert langsmith.has(1)
        said = langsmith.everything()
        assert [word for word in ("花房", "ゆり江", "田中", "花子", "1234", "hanako") if word in said] == []
        assert "〔氏名1〕です" in said
        tracing.close()


def test_none_of_200_canaries_leaves_in_a_trace() -> None:
    every = canaries()
    with LangSmithFake() as langsmith:
        tracing = Tracing(settings_for(langsmith.url), Redactor(), ["classify"])

        for number, canary in enumerate(every):
            tracing.offer(f"default/c-{number}", lambda canary=canary: a_trace(canary.sentence))

        assert langsmith.has(200, within_seconds=60)
        tracing.close()
        assert leaked(langsmith.everything(), every) == []
        assert langsmith.problems == []


def test_a_name_that_is_no_nodes_is_no_name_of_a_run() -> None:
    with LangSmithFake() as langsmith:
        tracing = Tracing(settings_for(langsmith.url), Redactor(), ["classify"])

        tracing.offer("default/c-1", lambda: a_trace(node="田中花子"))

        assert langsmith.has(1)
        assert [run["name"] for run in langsmith.under(langsmith.roots()[0])] == ["node"]
        tracing.close()


def test_a_trace_that_cannot_be_redacted_is_withheld() -> None:
    def broken(_: object) -> list[object]:
        raise RuntimeError

    with LangSmithFake() as langsmith:
        tracing = Tracing(settings_for(langsmith.url), Redactor(recognisers=[broken]), ["classify"])  # type: ignore[list-item]

        tracing.offer("default/c-1", a_trace)

        assert langsmith.has(1)
        assert "花子" not in langsmith.everything()
        assert "伏せた文" in langsmith.everything()
        tracing.close()


def test_a_trace_that_cannot_be_built_costs_nothing_else() -> None:
    def broken() -> Trace:
        raise KeyError("田中花子")

    with LangSmithFake() as langsmith:
        tracing = Tracing(settings_for(langsmith.url), Redactor(), ["classify"])

        tracing.offer("default/c-1", broken)
        tracing.offer("default/c-1", a_trace)

        assert langsmith.has(1)
        assert tracing.counts.failed == 1
        tracing.close()


@pytest.mark.parametrize("fault", ["refused", "away", "slow", "broken"])
def test_ten_thousand_traces_delay_neither_a_message_nor_an_exit(fault: str) -> None:
    with LangSmithFake() as langsmith:
        langsmith.status = {"refused": 401, "broken": 500}.get(fault, 202)
        langsmith.delay_seconds = 30 if fault == "slow" else 0
        url = "http://127.0.0.1:9" if fault == "away" else langsmith.url
        tracing = Tracing(settings_for(url), Redactor(), ["classify"])

        started = time.monotonic()
        waited = []
        for number in range(10_000):
            before = time.monotonic()
            tracing.offer(f"default/c-{number}", a_trace)
            waited.append(time.monotonic() - before)
        tracing.close()
        spent = time.monotonic() - started

    assert sorted(waited)[9_900] < 0.01
    assert spent < 10
    assert tracing.counts.dropped > 8_000


def test_a_process_ends_at_once_while_langsmith_stalls() -> None:
    program = (
        "import sys; sys.path.insert(0, '.')\n"
        "from pharmacy.observing.tracing import Tracing\n"
        "from pharmacy.redaction.redact import Redactor\n"
        "from tests.unit.observing.test_traces import a_trace, settings_for\n"
        "import time\n"
        "tracing = Tracing(settings_for(sys.argv[1]), Redactor(), ['classify'])\n"
        "[tracing.offer('default/c', a_trace) for _ in range(100)]\n"
        "time.sleep(1); before = time.monotonic(); tracing.close(); print(time.monotonic() - before, flush=True)\n"
    )
    with LangSmithFake() as langsmith:
        langsmith.delay_seconds = 60

        ran = subprocess.run(
            [sys.executable, "-c", program, langsmith.url], cwd=CHECKOUT, capture_output=True, text=True, timeout=40,
            check=False,
        )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 2


def test_a_forgotten_conversations_trace_never_leaves() -> None:
    with LangSmithFake() as langsmith:
        langsmith.delay_seconds = 0.3
        tracing = Tracing(settings_for(langsmith.url), Redactor(), ["classify"])
        tracing.offer("default/first", a_trace)
        time.sleep(0.1)

        tracing.offer("default/erased", lambda: a_trace("消された言葉"))
        tracing.forget("default/erased")
        tracing.offer("default/erased", lambda: a_trace("消された言葉"))
        tracing.offer("default/last", a_trace)

        assert langsmith.has(2)
        tracing.close()
        assert "消された言葉" not in langsmith.everything()
        assert tracing.counts.forgotten == 2


def test_nothing_is_asked_of_langsmith_while_tracing_is_off() -> None:
    with LangSmithFake() as langsmith:
        tracing = Tracing(Settings(langsmith_endpoint=langsmith.url), Redactor(), ["classify"])

        assert not tracing.offer("default/c-1", a_trace)

        tracing.close()
        assert langsmith.asked == []
