"""Who serves a node: as decided, by conversation, in every process; back to the teacher in one command."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from distillation.taking_over import ACTOR
from graph.assemble import Files, words_of
from nodes.load import load_flow
from pharmacy.domain.serving import Serving, drawn
from pharmacy.models.tables import read_tables
from pharmacy.settings import Settings
from pharmacy.storage import servings
from prompts.load import fingerprint
from tests.api.answers import by_words
from tests.api.shop import Shop, new_id, running
from tests.fakes.openai_server import OpenAIFake

ROOT = Path(__file__).parents[2]
TEACHER, STUDENT = "gpt-4o-2024-08-06", "ft:gpt-4o-mini-2024-07-18:example::classify01"


@pytest.fixture
def settings(own_settings: Settings, fake: OpenAIFake, tmp_path: Path) -> Settings:
    """Return settings with a student for `classify` that nothing serves yet."""
    fake.script.rule = by_words
    fake.world.models.add(STUDENT)
    flow, shipped = load_flow(own_settings.flow_file), own_settings.models_file
    files = Files(own_settings.flow_file, shipped, own_settings.prompts_folder)
    words = words_of(flow, read_tables(shipped), files)["classify"]
    trained = fingerprint(words.prompt, words.frame, words.static, folder=files.prompts)
    own = tmp_path / "models.toml"
    student = f'\n[classify.student]\nmodel = "openai:{STUDENT}"\nprompt_fingerprint = "{trained}"\n'
    own.write_text(shipped.read_text("utf-8") + student, "utf-8")
    return own_settings.model_copy(update={"models_file": own})


async def test_a_decision_holds_from_the_next_message_on(settings: Settings, fake: OpenAIFake) -> None:
    async with running(settings) as shop:
        await shop.say(new_id(), "いつ届きますか")
        await _decide(shop, Serving("student", student=f"openai:{STUDENT}"))
        await shop.say(new_id(), "いつ届きますか")

    assert _classified_by(fake) == [TEACHER, STUDENT]


async def test_a_canary_keeps_to_its_conversations_and_its_probability_is_on_record(
    settings: Settings, fake: OpenAIFake
) -> None:
    async with running(settings) as shop:
        await _decide(shop, Serving("canary", canary_share=0.5, student=f"openai:{STUDENT}"))
        names = [new_id("canary") for _ in range(8)]
        for name in names * 2:
            await shop.say(name, "いつ届きますか")
        rows = await shop.rows("SELECT conversation_id, chosen FROM runs ORDER BY started_at")

    by_hash = {
        name: STUDENT if drawn(f"{settings.pharmacy_id}/{name}", "classify", "canary") < 0.5 else TEACHER
        for name in names
    }
    assert _classified_by(fake) == [by_hash[name] for name in names * 2]
    assert [(row.conversation_id, row.chosen) for row in rows] == [
        (name, {"classify": {"model": f"openai:{by_hash[name]}", "share": 0.5}}) for name in names * 2
    ]


async def test_a_decision_of_another_pharmacy_changes_nothing_here(settings: Settings, fake: OpenAIFake) -> None:
    async with running(settings) as shop:
        async with shop.program.database.begin("elsewhere") as tx:
            await servings.decide(tx, "elsewhere", "test", "classify", Serving("student"), "")
        await shop.say(new_id(), "いつ届きますか")

    assert _classified_by(fake) == [TEACHER]


async def test_a_student_that_the_file_no_longer_names_leaves_it_to_the_teacher_and_check_says_so(
    settings: Settings, fake: OpenAIFake
) -> None:
    async with running(settings) as shop:
        await _decide(shop, Serving("student", student="openai:ft:gpt-4o-mini-2024-07-18:example::older"))
        await shop.say(new_id(), "いつ届きますか")
        said = await _kakari(settings, "check")

    assert _classified_by(fake) == [TEACHER]
    assert "classify: the teacher serves all the same" in said
    assert "'openai:ft:gpt-4o-mini-2024-07-18:example::older'" in said


async def test_one_command_brings_the_teacher_back_and_is_audited(settings: Settings, fake: OpenAIFake) -> None:
    async with running(settings) as shop:
        await _decide(shop, Serving("canary", 1.0, 0.25, f"openai:{STUDENT}"))
        await shop.say(new_id(), "いつ届きますか")
        told = json.loads(await _kakari(settings, "rollback", "classify", "--reason", "wrong labels", "--json"))
        await shop.say(new_id(), "いつ届きますか")
        again = await _kakari(settings, "rollback", "classify")
        audited = await shop.rows("SELECT actor, subject, body FROM audit WHERE action = 'serving_set' ORDER BY seq")

    assert _classified_by(fake) == [STUDENT, TEACHER]
    assert told == {
        "node": "classify", "serving": "teacher",
        "before": f"canary: the student serves 100%, the student answers 25% unused (openai:{STUDENT})",
    }  # fmt: skip
    assert again == "classify: the teacher serves, as before.\n"
    assert [(row.actor, row.subject, row.body["by"]) for row in audited] == [
        ("test", "classify", "canary"), ("command line", "classify", "teacher"),
    ]  # fmt: skip


async def test_check_says_that_the_watch_has_let_a_teacher_serve_again_and_why(settings: Settings) -> None:
    why = "acceptance has fallen below 80%: 3 of 12 conversations"
    async with running(settings, work=False) as shop:
        await _decide(shop, Serving("student", student=f"openai:{STUDENT}"))
        async with shop.program.database.begin(settings.pharmacy_id) as tx:
            await servings.decide(tx, settings.pharmacy_id, ACTOR, "classify", Serving("teacher"), why)
        said = await _kakari(settings, "check")

    assert f"classify: the watch has let the teacher serve again: {why}" in said


async def test_a_node_that_is_none_is_refused_by_name(settings: Settings) -> None:
    said = await _kakari(settings, "rollback", "clasify", status=2)

    assert "'clasify': expected one of ['classify', 'switch_phase'" in " ".join(said.split())


async def _decide(shop: Shop, serving: Serving) -> None:
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        await servings.decide(tx, pharmacy_id, "test", "classify", serving, "")


async def _kakari(settings: Settings, *words: str, status: int | None = None) -> str:
    """Return what the command prints; with `status`, also what it complains of."""
    assert settings.database_url is not None
    given: dict[str, Any] = {
        "DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home),
        "KAKARI_MODELS": "local", "KAKARI_MODELS_FILE": str(settings.models_file), "COLUMNS": "300",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", *words, cwd=ROOT, env={**os.environ, **given},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, complaint = await process.communicate()
    if status is not None:
        assert process.returncode == status, complaint.decode()
        return complaint.decode()
    return out.decode()


def _classified_by(fake: OpenAIFake) -> list[str]:
    asked = ((entry.model, entry.body["response_format"]["json_schema"]["name"]) for entry in fake.log.chats())
    return [str(model) for model, schema in asked if schema == "Classification"]
