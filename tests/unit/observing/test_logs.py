"""A log line says what happened and nothing of what a patient wrote."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pharmacy.observing.logs import redacted
from tests.api.canaries import canaries, leaked

CHECKOUT = Path(__file__).resolve().parents[3]
PROGRAM = """
import logging, sys, threading
sys.path.insert(0, '.')
from pharmacy.observing.logs import set_up_logs
from tests.api.canaries import canaries
import structlog
set_up_logs('DEBUG', as_json=sys.argv[1] == 'json')
log = logging.getLogger('tests')
for canary in canaries():
    words = canary.sentence
    log.info('said %s', words)
    log.warning('said %r as bytes %r', [words], words.encode())
    structlog.get_logger().error('event', field=words, deep={'er': [words]})
    try:
        raise ValueError(f'classify: {words!r} is none of [...]')
    except ValueError:
        log.exception('failed')
def die():
    raise RuntimeError(canaries()[0].sentence)
thread = threading.Thread(target=die); thread.start(); thread.join()
log.info('run_ended conversation=%s state=%s', 'c-123', 'proposed')
die()
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_none_of_200_canaries_reaches_a_log_line_a_trace_of_an_error_or_a_dying_process(form: str) -> None:
    command = [sys.executable, "-c", PROGRAM, form]

    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)

    assert leaked(ran.stdout + ran.stderr, canaries()) == []
    assert "run_ended conversation=c-123 state=proposed" in ran.stderr
    assert ran.stderr.count("ValueError: classify") == 200
    assert ran.stderr.count("RuntimeError") >= 2
    assert ran.returncode == 1
    if form == "json":
        assert all(json.loads(line)["level"] for line in ran.stderr.splitlines())


def test_ids_figures_and_times_stay_as_they_are() -> None:
    line = {
        "event": "message_delivery", "conversation": "c-1001", "run": "550e8400-e29b-41d4-a716-446655440000",
        "seconds": 0.25, "drafts_written": 2, "timestamp": "2026-11-22T09:00:00.123456Z", "level": "info",
    }  # fmt: skip

    assert redacted(None, "", dict(line)) == line


def test_a_line_that_cannot_be_read_is_withheld() -> None:
    class Odd:
        def __str__(self) -> str:
            raise ValueError("田中花子")

    shown = redacted(None, "", {"event": "田中花子", "field": Odd(), "level": "info"})

    assert shown == {"event": "〔伏せた文〕", "level": "info"}


def test_the_log_lines_of_a_command_stay_out_of_its_answer() -> None:
    words = (
        "import structlog; from pharmacy.observing.logs import keep_logs_off_stdout; keep_logs_off_stdout('WARNING'); "
        "log = structlog.get_logger(); log.info('node_done'); log.warning('node_failed', code='no'); print('{}')"
    )

    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)

    assert done.stdout == "{}\n"
    assert "node_failed" in done.stderr
    assert "node_done" not in done.stderr
