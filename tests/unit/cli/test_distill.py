"""`kakari distill` in this process: what it prints, what it records, and how it says no."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from cli.main import app
from pharmacy.domain.errors import ConfigError
from pharmacy.models.local.load import local_model
from tests.fakes.openai_server import OpenAIFake, faults
from tests.unit.distillation.trainers import classify_rows, reply_rows, verdict_rows


@dataclass(frozen=True)
class Desk:
    """Somebody at a command line."""

    fake: OpenAIFake
    environment: dict[str, str]
    rows: Path

    def run(self, *words: str) -> Any:
        """Run a command to its end; what it raises rises."""
        return CliRunner(env=self.environment).invoke(app, words, catch_exceptions=False)

    def train(self, *words: str) -> Any:
        """Train for `classify` without being asked."""
        return self.run("distill", "classify", "--train", str(self.rows), "--yes", *words)


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """Return a command line with 30 rows for `classify`."""
    rows = classify_rows.written(tmp_path / "train.jsonl", classify_rows.drawn("train", 30))
    with OpenAIFake() as fake:
        environment = {
            "DATABASE_URL": database_url, "KAKARI_HOME": str(tmp_path / "home"), "OPENAI_BASE_URL": fake.url,
            "OPENAI_API_KEY": "sk-test", "COLUMNS": "200",
        }  # fmt: skip
        yield Desk(fake, environment, rows)


def _states(owner: psycopg.Connection[Any]) -> list[str]:
    return [state for (state,) in owner.execute("SELECT state FROM training_jobs ORDER BY seq")]


def test_a_machine_gets_one_object_with_cost_and_figures(desk: Desk) -> None:
    done = desk.train("--json")

    told = json.loads(done.stdout)
    (job,) = desk.fake.tuning.jobs.values()
    assert (done.exit_code, done.stderr) == (0, "")
    assert (told["job"], told["state"], told["node"]) == (job.shown["id"], "succeeded", "classify")
    assert told["cost_usd"] == pytest.approx(job.shown["trained_tokens"] * 3 / 1_000_000)
    assert told["estimate"]["cost_usd"] == pytest.approx(told["cost_usd"], rel=0.5)
    assert [each["step"] for each in told["checkpoints"]] == [90, 60, 30]


def test_the_same_command_finds_its_job_again_even_where_nothing_is_on_record(
    desk: Desk, owner: psycopg.Connection[Any]
) -> None:
    first = json.loads(desk.train("--json").stdout)

    on_record = json.loads(desk.train("--json").stdout)
    owner.execute("DELETE FROM training_jobs")
    off_record = json.loads(desk.train("--json").stdout)

    assert first["job"] == on_record["job"] == off_record["job"]
    assert len(desk.fake.tuning.jobs) == 1


def test_an_answer_that_is_lost_begins_no_second_job(desk: Desk) -> None:
    desk.fake.script.fail(faults.reset_mid_body(), path="POST /v1/fine_tuning/jobs")

    done = desk.train()

    assert done.exit_code == 0, done.stderr
    assert len(desk.fake.tuning.jobs) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("--model", "gpt-4o-mini-2024-07-18"), "not of the form 'provider:name'", id="no-provider"),
        pytest.param(("--model", "azure:x"), "'azure' is none of the endpoints", id="no-endpoint"),
        pytest.param(("--trainer", "magic"), "--trainer: 'magic'; expected one of", id="no-such-trainer"),
        pytest.param(("--validation", "none.jsonl"), "none.jsonl", id="no-file"),
    ],
)
def test_wrong_use_is_told_before_anything_is_sent(desk: Desk, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        desk.train(*words)

    assert said in str(raised.value)
    assert desk.fake.log.entries == []


def test_a_node_that_asks_no_model_is_no_node_to_train(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="'triage' is no node that asks a model"):
        desk.run("distill", "triage", "--train", str(desk.rows), "--yes")


def test_a_local_student_is_trained_without_asking_anybody_else(desk: Desk, owner: psycopg.Connection[Any]) -> None:
    classify_rows.written(desk.rows, classify_rows.drawn("train", 100))

    done = desk.train("--trainer", "local", "--model", "local:nothing")

    lines = done.stdout.splitlines()
    model = next(line for line in lines if line.startswith("model = ")).split('"')[1]
    name = model.removeprefix("local:")
    assert done.exit_code == 0
    assert "0 tokens trained, 0.00 USD" in lines[0]
    assert f'Where Kakari runs without a provider: local = "{model}" in [classify].' in lines
    assert (Path(desk.environment["KAKARI_HOME"]) / "students" / "classify" / f"{name}.npz").is_file()
    assert _states(owner) == ["creating", "succeeded"]
    assert desk.fake.log.entries == []


async def test_a_generators_local_student_says_what_it_learnt_and_serves(desk: Desk) -> None:
    found = await reply_rows.cases("order_delivery", "purchase")
    rows = reply_rows.file_of(desk.rows, found[:60])
    words = ("distill", "generate_order_delivery", "--train", str(rows), "--trainer", "local", "--yes")

    done = await asyncio.to_thread(desk.run, *words)
    told = await asyncio.to_thread(desk.run, "distill", "jobs", "--json")

    (job,) = json.loads(told.stdout)
    assert (done.exit_code, job["base"], job["state"]) == (0, "local:generate_order_delivery", "succeeded")
    assert "4 of 60 rows are left out: left_to_people 4" in done.stderr
    assert local_model(job["job"], Path(desk.environment["KAKARI_HOME"]) / "students")


async def test_a_judges_local_student_says_how_often_it_agrees(desk: Desk) -> None:
    verdict_rows.file_of(desk.rows, (await verdict_rows.verdicts())[:150])
    words = ("distill", "judge", "--train", str(desk.rows), "--trainer", "local", "--yes")

    done = await asyncio.to_thread(desk.run, *words)

    assert done.exit_code == 0
    assert "agree on drafts left out, by the rubric alone" in done.stderr


def test_nobody_to_ask_means_no_training(desk: Desk) -> None:
    done = desk.run("distill", "classify", "--train", str(desk.rows))

    assert done.exit_code == 2
    assert "expected --yes where nobody can be asked" in done.stderr
    assert desk.fake.log.entries == []


def test_an_organisation_that_may_create_no_jobs_is_told_so_and_the_record_says_it_failed(
    desk: Desk, owner: psycopg.Connection[Any]
) -> None:
    desk.fake.tuning.may_create = False

    done = desk.train()

    assert done.exit_code == 1
    assert "lets this organisation create no new fine-tuning jobs (403)" in done.stderr
    assert "Traceback" not in done.stderr
    assert _states(owner) == ["creating", "failed"]
    assert [row[:2] for row in owner.execute("SELECT action, actor FROM audit ORDER BY seq")] == [
        ("training_creating", "command line"), ("training_failed", "command line"),
    ]  # fmt: skip


def test_a_job_that_fails_is_told_with_the_providers_words(desk: Desk) -> None:
    desk.fake.tuning.fails_while_running = True

    done = desk.train()

    assert done.exit_code == 1
    assert "has failed: The job failed due to an internal error." in done.stdout


def test_files_that_cannot_be_taken_back_hide_no_student(desk: Desk) -> None:
    desk.fake.script.fail(faults.forbidden(), times=None, path="DELETE /v1/files")

    done = desk.train()

    assert done.exit_code == 0
    assert "[classify.student]" in done.stdout
    assert "end by themselves after 14 days" in done.stderr


def test_a_job_that_is_not_on_record_is_said_so(desk: Desk) -> None:
    done = desk.run("distill", "follow", "ftjob-none")

    assert (done.exit_code, "no job 'ftjob-none' is on record" in done.stderr) == (1, True)
