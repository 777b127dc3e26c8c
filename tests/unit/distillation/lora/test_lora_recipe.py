"""The recipe for open-weight students, as far as it goes without torch: rows, words, how it is served."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from distillation.lora.recipe import Recipe, chat_row, read_order
from distillation.lora.serving import Served, endpoint_table, student_table, vllm_command
from distillation.trainers.training_file import read_training_file
from graph.assemble import assemble_from
from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from tests.unit.distillation.trainers import classify_rows
from tests.unit.distillation.trainers.rows import written

FINGERPRINT = classify_rows.prompt("").fingerprint
SERVED = Served("classify", "classify-lora-3f9c1a77b0de", "/models/base", Path("/adapters/one"), 24, FINGERPRINT)


def test_the_loss_is_taken_over_the_answer_alone(tmp_path: Path) -> None:
    file = read_training_file(classify_rows.written(tmp_path / "rows.jsonl", classify_rows.drawn("train", 10)))

    row = chat_row(file.rows[0])

    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    assert row["completion"] == [{"role": "assistant", "content": file.rows[0].answer}]


def test_an_order_is_bound_to_the_nodes_prompt(tmp_path: Path) -> None:
    path = classify_rows.written(tmp_path / "rows.jsonl", classify_rows.drawn("train", 10))

    order = read_order("classify", "/models/base", path, path, Recipe(), Settings())

    assert order.prompt_fingerprint == FINGERPRINT
    assert order.validation == order.train


def test_rows_of_another_prompt_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rows\.jsonl:1: stands under other words"):
        read_order("classify", "base", written(tmp_path / "rows.jsonl", 10), None, Recipe(), Settings())


async def test_the_tables_it_prints_serve_the_adapter(tmp_path: Path) -> None:
    shipped = Settings().models_file.read_text(encoding="utf-8")
    student = student_table(SERVED)
    text = f"{shipped}\n{endpoint_table('http://127.0.0.1:8000/v1')}\n{student}"
    file = tmp_path / "models.toml"
    file.write_text(text.replace('serving = "teacher"', 'serving = "student"', 1), encoding="utf-8")

    built = assemble_from(Settings(home=tmp_path, models_file=file, models="openai", openai_api_key="sk-test"))

    assert built.registry.student_of("classify") == "vllm:classify-lora-3f9c1a77b0de"
    assert tomllib.loads(student)["classify"]["student"]["prompt_fingerprint"] == FINGERPRINT
    await built.registry.aclose()


def test_vllm_is_started_with_rank_enough() -> None:
    command = vllm_command(SERVED)

    assert "--max-lora-rank 32 --lora-modules classify-lora-3f9c1a77b0de=/adapters/one" in command


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    rows = classify_rows.written(tmp_path / "rows.jsonl", classify_rows.drawn("train", 10))
    words = ["classify", "--base", "base", "--train", str(rows), "--out", str(tmp_path / "out")]

    done = subprocess.run(
        [sys.executable, "-m", "distillation.lora", *words], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "are not there; install them" in done.stderr


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    words = ["classify", "--base", "base", "--train", str(tmp_path / "no.jsonl"), "--out", str(tmp_path / "out")]

    done = subprocess.run(
        [sys.executable, "-m", "distillation.lora", *words], capture_output=True, text=True, check=False
    )

    assert (done.returncode, "no.jsonl" in done.stderr) == (2, True)
