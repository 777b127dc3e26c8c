"""`kakari dataset`, from played records to files that others can read and train from."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from distillation.datasets.exporting import manifest_of
from distillation.trainers.training_file import read_training_file
from distillation.trainers.under_prompt import NodePrompt
from tests.api.played import ASKED, approved, as_new_pharmacy, asked, edited
from tests.api.shop import Shop

GENERATOR = "generate_symptom_consultation"


@pytest.fixture
async def own(shop: Shop) -> AsyncIterator[Shop]:
    """Return the shared program, called as a pharmacy of this test's own that has no other records."""
    async with as_new_pharmacy(shop) as new:
        yield new


async def kakari(shop: Shop, *words: str) -> Result:
    """Run the command in this process, for the shop's pharmacy."""
    settings = shop.program.settings
    assert settings.database_url is not None
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home), "COLUMNS": "300",
        "KAKARI_PHARMACY_ID": settings.pharmacy_id, "KAKARI_MODELS": "local",
    }  # fmt: skip
    return await asyncio.to_thread(CliRunner(env=environment).invoke, app, ["dataset", *words])


def own_words_of_openai(line: str) -> dict[str, Any]:
    """Return the row of a line; this test's own reading of what may stand in one, apart from the program's."""
    row: dict[str, Any] = json.loads(line)
    asked = row["input"]["messages"] if "input" in row else row["messages"][:-1]
    answers = [row[name] for name in ("preferred_output", "non_preferred_output")] if "input" in row else [
        row["messages"][-1:]
    ]  # fmt: skip
    expected = {"input", "preferred_output", "non_preferred_output"} if "input" in row else {"messages"}
    assert set(row) == expected
    assert [message["role"] for message in asked] == ["system", "user"]
    for (answer,) in answers:
        assert answer["role"] == "assistant"
    for message in (*asked, *(answer for (answer,) in answers)):
        assert set(message) == {"role", "content"}
        assert message["content"].strip()
    for (answer,) in answers:
        assert isinstance(json.loads(answer["content"]), dict)
    return row


async def test_a_dataset_is_built_shown_exported_and_checked(own: Shop, tmp_path: Path) -> None:
    for words in ASKED:
        await approved(own, words)
    file = tmp_path / "classify.jsonl"

    made = json.loads((await kakari(own, "build", "classify", "--json")).stdout)
    told = await kakari(own, "build", "classify")
    exported = await kakari(own, "export", "classify-1", str(file))
    checked = await kakari(own, "check", str(file), "--json")

    assert (made["version"], made["new"], made["manifest"]["rows"]) == (
        "classify-1", True, {"train": 10, "validation": 1, "held_out": 3}
    )  # fmt: skip
    assert "Nothing has changed since" in told.stdout
    assert (exported.exit_code, json.loads(checked.stdout)["good"], json.loads(checked.stdout)["rows"]) == (0, True, 10)
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = [own_words_of_openai(line) for line in lines]
    assert len(rows) == 10
    assert len({row["messages"][1]["content"] for row in rows}) == 10
    beside = json.loads(manifest_of(file).read_text(encoding="utf-8"))
    assert beside["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (beside["dataset"], beside["rows"], beside["dataset_rows_hash"]) == ("classify-1", 10, made["rows_hash"])


async def test_what_is_exported_can_be_trained_from_under_the_nodes_prompt(own: Shop, tmp_path: Path) -> None:
    for words in ASKED:
        await approved(own, words)
    await kakari(own, "build", GENERATOR)
    file = tmp_path / "rows.jsonl"

    exported = await kakari(own, "export", f"{GENERATOR}-1", str(file), "--json")

    found = read_training_file(file)
    assert found.sha256 == json.loads(exported.stdout)["sha256"]
    blanks = NodePrompt.of(GENERATOR, own.program.settings).check(found)
    assert {each["phase"] for each in blanks} == {"intake"}


async def test_pairs_are_exported_with_the_sent_text_preferred(own: Shop, tmp_path: Path) -> None:
    for words in ASKED:
        better = {"text": f"{words[:6]}とのこと、くわしくお聞かせください。", "cause": "incomplete"}
        await edited(own, words, better)
    await kakari(own, "build", GENERATOR)
    file = tmp_path / "pairs.jsonl"

    exported = await kakari(own, "export", f"{GENERATOR}-1", str(file), "--format", "preference")

    assert exported.exit_code == 0, exported.stderr
    rows = [own_words_of_openai(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 10
    for row in rows:
        sent = json.loads(row["preferred_output"][0]["content"])["reply"]
        assert sent[:6] in row["input"]["messages"][1]["content"]
        assert "内容を確認いたしました" in row["non_preferred_output"][0]["content"]
    assert read_training_file(file).method == "dpo"


async def test_versions_are_listed_and_one_says_what_it_has_lost(own: Shop) -> None:
    gone = await approved(own, ASKED[0])
    for words in ASKED[1:4]:
        await approved(own, words)
    await kakari(own, "build", "classify")
    await own.http.put(f"/v1/patients/{gone.patient_id}", json={"consent": {"training": False}})
    await kakari(own, "build", "classify")

    listed = (await kakari(own, "show")).stdout
    of_node = json.loads((await kakari(own, "show", "classify", "--json")).stdout)
    one = (await kakari(own, "show", "classify-1")).stdout

    assert [line.split()[0] for line in listed.splitlines()] == ["classify-2", "classify-1"]
    assert [sum(version["lost"].values()) for version in of_node] == [0, 1]
    assert "erased, withdrawn, or no longer agreed to" in one
    assert "symptom_consultation, intake" in one


async def test_where_nothing_may_be_learnt_it_says_why_and_ends_with_1(own: Shop) -> None:
    await asked(own, ASKED[0])
    await approved(own, ASKED[1], patient={})

    said = await kakari(own, "build", "classify")
    as_json = await kakari(own, "build", "classify", "--json")

    assert (said.exit_code, as_json.exit_code) == (1, 1)
    assert "left out: no_consent 1, undecided 1" in said.stderr
    assert json.loads(as_json.stdout) == {"version": None, "left_out": {"no_consent": 1, "undecided": 1}}


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["build", "clasify"], 2, "'clasify': expected one of ['classify'"),
        (["build", "classify", "--rows", "0"], 2, "--rows"),
        (["export", "classify-9", "x.jsonl"], 1, "dataset 'classify-9': there is none"),
        (["export", "classify-9", "x.jsonl", "--format", "csv"], 2, "'csv': expected one of"),
        (["export", "classify-9", "x.jsonl", "--split", "all"], 2, "'all': expected one of"),
        (["show", "classify-9"], 1, "dataset 'classify-9': there is none"),
        (["check", "not-there.jsonl"], 2, "expected a file that can be read"),
    ],
    ids=["node", "rows", "version", "format", "split", "shown-version", "file"],
)
async def test_wrong_use_is_named(own: Shop, words: list[str], status: int, says: str) -> None:
    ran = await kakari(own, *words)

    if status == 2:
        assert (ran.exit_code, says in " ".join(ran.stderr.split())) == (2, True), ran.stderr
    else:
        assert says in str(ran.exception)


async def test_a_file_of_faults_is_told_line_by_line(own: Shop, tmp_path: Path) -> None:
    file = tmp_path / "foreign.jsonl"
    file.write_bytes(b'{"messages": []}\n\n{"messages": [{"role": "us')

    said = await kakari(own, "check", str(file))

    assert said.exit_code == 1
    assert [line.split(": ")[0].rpartition("/")[2] for line in said.stderr.splitlines()[1:]] == [
        "foreign.jsonl:1", "foreign.jsonl:2", "foreign.jsonl:3", "foreign.jsonl"
    ]  # fmt: skip
