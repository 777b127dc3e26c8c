"""`kakari distill --dataset`: a version's rows are trained on as a file's are, and no file of them stays behind."""

import asyncio
import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from distillation.trainers.under_prompt import NodePrompt
from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage import datasets
from pharmacy.storage.database import open_database
from pharmacy.storage.datasets import DatasetRow, DatasetVersion
from pharmacy.storage.refusals import NotHere
from tests.fakes.openai_server import OpenAIFake
from tests.unit.distillation.trainers import classify_rows, reply_rows, verdict_rows

VERSION = "classify-1"


def _row(place: int, split: str, row: Mapping[str, Any]) -> DatasetRow:
    _, user, answer = (message["content"] for message in row["messages"])
    kept = {"user": user, "target": answer, "supervised": True, "preference": False}
    digest = hashlib.sha256(json.dumps(kept).encode()).hexdigest()
    return DatasetRow(place, split, f"p{place}", f"c{place}", 1, kept, digest)


async def _plant(settings: Settings, node: str = "classify", rows: Sequence[Mapping[str, Any]] | None = None) -> None:
    rows = rows or classify_rows.rows(classify_rows.drawn("train", 42))
    prompt = {"system": rows[0]["messages"][0]["content"], "fingerprint": NodePrompt.of(node, settings).fingerprint}
    version = DatasetVersion(f"{node}-1", node, 1, "ab" * 32, prompt, {}, "test", datetime.now(UTC), {})
    database = await open_database(settings)
    kept = [_row(at, "train" if at < len(rows) - 12 else "validation", row) for at, row in enumerate(rows)]
    async with database.begin(settings.pharmacy_id) as tx:
        await datasets.write(tx, settings.pharmacy_id, "test", version, kept)
    await database.close()


def _run(settings: Settings, url: str, *words: str) -> Any:
    environment = {"DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home),
                   "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-test"}  # fmt: skip
    return CliRunner(env=environment).invoke(app, ("distill", *words, "--yes", "--json"), catch_exceptions=False)


def test_a_version_is_trained_on_with_its_validation_rows(settings: Settings) -> None:
    asyncio.run(_plant(settings))

    with OpenAIFake() as fake:
        told = json.loads(_run(settings, fake.url, "classify", "--dataset", VERSION).stdout)
        (job,) = fake.tuning.jobs.values()

    assert (told["state"], told["rows"], told["dataset"]) == ("succeeded", 30, VERSION)
    assert job.shown["metadata"]["dataset"] == VERSION
    assert job.shown["validation_file"] is not None
    assert [*Path(tempfile.gettempdir()).glob(f"kakari-*/{VERSION}*")] == []


@pytest.mark.parametrize("node", ["generate_follow_up", "judge"])
def test_a_local_generator_and_a_judge_learn_from_a_version_too(settings: Settings, node: str) -> None:
    rows = asyncio.run(_rows_of(node))
    asyncio.run(_plant(settings, node, rows))

    done = _run(settings, "http://127.0.0.1:9/v1", node, "--trainer", "local", "--dataset", f"{node}-1")

    told = json.loads(done.stdout)
    assert (told["state"], told["rows"], told["dataset"]) == ("succeeded", len(rows) - 12, f"{node}-1")
    assert told["model"].startswith(f"local:{node}-")


async def _rows_of(node: str) -> list[Mapping[str, Any]]:
    if node == "judge":
        return [verdict.row() for verdict in await verdict_rows.verdicts()]
    cases = (await reply_rows.cases(node.removeprefix("generate_")))[:42]
    return [reply_rows.row(case.blanks, {"missing_facts": [], "reply": case.reply}, node) for case in cases]


@pytest.mark.parametrize("node", ["generate_follow_up", "judge"])
def test_a_version_that_nobody_built_is_refused_by_name(settings: Settings, node: str) -> None:
    asyncio.run(_plant(settings))

    with pytest.raises(NotHere, match="dataset 'none-9'"):
        _run(settings, "http://127.0.0.1:9/v1", node, "--trainer", "local", "--dataset", "none-9")


def test_another_nodes_version_is_refused(settings: Settings) -> None:
    asyncio.run(_plant(settings))

    with pytest.raises(ConfigError, match="dataset 'classify-1' is of classify; expected one of judge"):
        _run(settings, "http://127.0.0.1:9/v1", "judge", "--dataset", VERSION)


@pytest.mark.parametrize("words", [(), ("--train", "a.jsonl", "--dataset", VERSION)], ids=["neither", "both"])
def test_a_file_or_a_version_and_not_both(settings: Settings, words: tuple[str, ...]) -> None:
    refused = _run(settings, "http://127.0.0.1:9/v1", "classify", *words)

    assert (refused.exit_code, "expected --train FILE, or --dataset VERSION" in refused.stderr) == (2, True)
