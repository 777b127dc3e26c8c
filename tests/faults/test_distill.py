"""`kakari distill` as a person runs it: a real process, a real database, a stand-in for OpenAI over HTTP."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.fakes.openai_server import OpenAIFake
from tests.faults.processes import CHECKOUT, until
from tests.unit.distillation.trainers import classify_rows

START_SECONDS = 120.0


@dataclass(frozen=True)
class Desk:
    """Somebody at a command line."""

    fake: OpenAIFake
    folder: Path
    database_url: str
    rows: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "cli", *words], cwd=CHECKOUT, env=self._environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=START_SECONDS, check=False,
        )  # fmt: skip

    def train(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Train for `classify` without being asked."""
        return self.run("distill", "classify", "--train", str(self.rows), "--yes", *words)

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """Begin a command whose output goes to a file."""
        with self.told.open("wb") as told:
            return subprocess.Popen(
                [sys.executable, "-m", "cli", *words], cwd=CHECKOUT, env=self._environment, stdout=told, stderr=told,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip

    @property
    def told(self) -> Path:
        """What the command begun last has said."""
        return self.folder / "told.txt"

    def says(self, words: str) -> None:
        """Wait until the command begun last has said this."""
        until(words, lambda: words in self.told.read_text(encoding="utf-8"), START_SECONDS)

    @property
    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("KAKARI_", "OPENAI_", "LANGSMITH_"))}  # fmt: skip
        return kept | {
            "DATABASE_URL": self.database_url, "KAKARI_HOME": str(self.folder / "home"),
            "OPENAI_BASE_URL": self.fake.url, "OPENAI_API_KEY": "sk-test", "COLUMNS": "200",
        }  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """Return a command line with 30 rows for `classify`."""
    rows = classify_rows.written(tmp_path / "train.jsonl", classify_rows.drawn("train", 30))
    with OpenAIFake() as fake:
        yield Desk(fake, tmp_path, database_url, rows)


def _states(owner: psycopg.Connection[Any]) -> list[str]:
    return [state for (state,) in owner.execute("SELECT state FROM training_jobs ORDER BY seq")]


def test_a_student_is_trained_and_its_table_printed(desk: Desk, owner: psycopg.Connection[Any]) -> None:
    done = desk.train("--epochs", "2")

    (job,) = desk.fake.tuning.jobs.values()
    model, fingerprint = job.shown["fine_tuned_model"], classify_rows.prompt("").fingerprint
    assert done.returncode == 0, done.stderr
    for line in ("[classify.student]", f'model = "openai:{model}"', f'prompt_fingerprint = "{fingerprint}"'):
        assert line in done.stdout.splitlines()
    assert "30 rows, 2 passes, about " in done.stderr
    assert "is announced to stop on 2027-01-14" in done.stderr
    assert "Step 60/60: training loss=" in done.stderr
    assert desk.fake.world.files.kept == {}
    assert (_states(owner)[0], _states(owner)[-1]) == ("creating", "succeeded")


def test_ctrl_c_stops_the_watching_and_not_the_job(desk: Desk, owner: psycopg.Connection[Any]) -> None:
    desk.fake.tuning.held.set()
    watching = desk.begin("distill", "classify", "--train", str(desk.rows), "--yes")
    desk.says("Fine-tuning job started")
    (job_id,) = desk.fake.tuning.jobs

    until("the record to say so", lambda: _states(owner)[-1] == "running", 30)
    watching.send_signal(signal.SIGINT)
    status = watching.wait(30)
    listed = desk.run("distill", "jobs")
    desk.fake.tuning.held.clear()
    again = desk.run("distill", "follow", job_id)

    told = desk.told.read_text(encoding="utf-8")
    assert status == 130
    assert f"the job goes on. Watch it again: kakari distill follow {job_id}" in told
    assert "Traceback" not in told
    assert f"{job_id}  classify  running" in listed.stdout
    assert again.returncode == 0, again.stderr
    assert f"Created fine-tuning job: {job_id}" in again.stderr
    assert "[classify.student]" in again.stdout
    assert _states(owner)[-1] == "succeeded"


def test_a_job_can_be_cancelled_from_elsewhere(desk: Desk, owner: psycopg.Connection[Any]) -> None:
    desk.fake.tuning.held.set()
    watching = desk.begin("distill", "classify", "--train", str(desk.rows), "--yes")
    desk.says("Fine-tuning job started")
    (job_id,) = desk.fake.tuning.jobs

    stopped = desk.run("distill", "cancel", job_id)

    assert (stopped.returncode, stopped.stdout) == (0, f"{job_id} has cancelled.\n")
    assert watching.wait(60) == 1
    assert f"{job_id} has cancelled." in desk.told.read_text(encoding="utf-8")
    assert _states(owner)[-1] == "cancelled"
    assert desk.run("distill", "cancel", job_id).returncode == 0


def test_wrong_use_is_told_before_anything_is_sent(desk: Desk) -> None:
    alias, nowhere = (desk.train("--model", model) for model in ("openai:gpt-4o-mini", "azure:x"))

    assert (alias.returncode, nowhere.returncode) == (1, 2)
    assert "expected the dated snapshot 'openai:gpt-4o-mini-2024-07-18'" in alias.stderr
    assert "'azure' is none of the endpoints ['openai']" in nowhere.stderr
    assert desk.fake.log.entries == []
