"""What people say in LangSmith of runs that they looked at again comes back as labels, once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pharmacy.observing.langsmith_client import LangSmith, LangSmithFailed
from pharmacy.settings import Settings
from pharmacy.storage import annotating, erasure
from server.annotations import pull
from tests.api.shop import Shop, new_id
from tests.api.traced_shop import in_queue, jobs_left, rule_file, running_traced
from tests.fakes.langsmith_server import LangSmithFake
from tests.fakes.langsmith_server.fake import KEY

CHECKOUT = Path(__file__).resolve().parents[2]


async def _reviewed(shop: Shop, langsmith: LangSmithFake, patient_id: str = "p-1") -> dict[str, Any]:
    """Have a draft refused, and looked at again by a person; return the run as LangSmith has it."""
    before = {run for items in langsmith.platform.queues.items.values() for run in items}
    outcome = await shop.say(new_id(), "体調の相談です", patient={"id": patient_id})
    path = f"/v1/suggestions/{outcome['suggestion_id']}/reject"
    assert (await shop.post(path, {"version": 1, "reason": "tone"})).status_code == 200
    (runs,) = (await in_queue(shop, langsmith, len(before) + 1)).values()

    async def idle() -> bool:
        return await jobs_left(shop) == 0

    await shop.until(idle, 60)
    (run_id,) = runs - before
    langsmith.platform.queues.archive(run_id)
    return langsmith.runs[run_id]


def _project(langsmith: LangSmithFake) -> str:
    return langsmith.platform.projects["kakari"]


async def _pull(shop: Shop) -> tuple[int, int, int, int]:
    langsmith = LangSmith(shop.program.settings)
    try:
        pulled = await pull(shop.program.database, "default", langsmith, "test")
    finally:
        langsmith.close()
    return pulled.reviewed, pulled.labels.added, pulled.labels.changed, pulled.labels.unchanged


async def _labels(shop: Shop) -> list[annotating.Label]:
    async with shop.program.database.begin("default") as tx:
        return await annotating.labels_of(tx, "default")


async def test_corrections_of_a_run_and_of_its_passages_become_labels_of_their_nodes(
    own_settings: Settings, tmp_path: Path
) -> None:
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            run = await _reviewed(shop, langsmith)
            desk, project = langsmith.platform.feedback, _project(langsmith)
            passage = next(each for each in langsmith.under(run) if each["name"] == "switch_phase")
            desk.review(run["id"], project, "classify", value="order_delivery", comment="配送の話")
            desk.review(run["id"], project, "generate", correction={"reply": "〔氏名1〕さま、お届けは明日です。"})
            desk.review(passage["id"], project, "correctness", score=0.0, correction={"phase": "taking"})

            counts = await _pull(shop)

            assert counts == (1, 3, 0, 0)
            found = {label.node: (label.key, label.corrected, label.score) for label in await _labels(shop)}
            assert found == {
                "classify": ("classify", "order_delivery", None),
                "generate_symptom_consultation": ("generate", {"reply": "〔氏名1〕さま、お届けは明日です。"}, None),
                "switch_phase": ("correctness", {"phase": "taking"}, 0.0),
            }
            assert {str(label.run_id) for label in await _labels(shop)} == {run["id"]}
            assert {row.words for row in await shop.rows("SELECT words FROM annotation_labels")} == {"pseudonyms"}
            assert langsmith.problems == []


async def test_a_second_pull_adds_nothing_and_a_changed_mind_takes_its_own_place(
    own_settings: Settings, tmp_path: Path
) -> None:
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            run = await _reviewed(shop, langsmith)
            number = langsmith.platform.feedback.review(run["id"], _project(langsmith), "classify", value="follow_up")
            first = await _pull(shop)
            second = await _pull(shop)
            langsmith.platform.feedback.taken[number] |= {"value": "product_usage"}

            third = await _pull(shop)

            assert (first, second, third) == ((1, 1, 0, 0), (1, 0, 0, 1), (1, 0, 1, 0))
            assert [label.corrected for label in await _labels(shop)] == ["product_usage"]


async def test_what_is_not_reviewed_yet_or_only_our_own_word_is_no_label(
    own_settings: Settings, tmp_path: Path
) -> None:
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            first = await _reviewed(shop, langsmith)
            langsmith.platform.feedback.review(first["id"], _project(langsmith), "classify", value="follow_up")
            for items in langsmith.platform.queues.items.values():
                items[first["id"]]["status"] = "needs_my_review"
            await _reviewed(shop, langsmith)

            assert await _pull(shop) == (1, 0, 0, 0)


async def test_an_erased_patients_labels_go_and_do_not_come_back(own_settings: Settings, tmp_path: Path) -> None:
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            run = await _reviewed(shop, langsmith, "p-gone")
            langsmith.platform.feedback.review(run["id"], _project(langsmith), "classify", value="follow_up")
            await _pull(shop)

            erased = await erasure.erase(shop.program.database, "default", "p-gone", "test")

            assert erased.rows["annotation_labels"] == erased.rows["annotation_items"] == 1
            assert await _pull(shop) == (1, 0, 0, 0)
            assert await _labels(shop) == []


async def test_a_langsmith_that_is_away_is_told_as_such(own_settings: Settings, tmp_path: Path) -> None:
    with LangSmithFake(status=500) as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            with pytest.raises(LangSmithFailed, match="LangSmith did not take it"):
                await _pull(shop)


def _kakari(settings: Settings, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    assert settings.database_url
    told = {"DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home)} | variables
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANGSMITH_", "KAKARI_"))}
    return subprocess.run(
        [sys.executable, "-m", "cli", *command], cwd=CHECKOUT, env=kept | told, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_without_a_key_the_command_says_so_and_ends_with_2(own_settings: Settings) -> None:
    ran = _kakari(own_settings, "annotations", "pull", "--json")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "LANGSMITH_API_KEY is not set" in ran.stderr


def test_with_a_key_the_command_says_what_it_kept(own_settings: Settings) -> None:
    with LangSmithFake() as langsmith:
        ran = _kakari(own_settings, "annotations", "pull", "--json", LANGSMITH_API_KEY=KEY,
                      LANGSMITH_ENDPOINT=langsmith.url)  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"reviewed": 0, "added": 0, "changed": 0, "unchanged": 0, "words": "pseudonyms"}


@pytest.mark.parametrize(("variables", "said"), [
    pytest.param({}, "no LANGSMITH_API_KEY; nothing leaves", id="no-key"),
    pytest.param({"LANGSMITH_API_KEY": KEY}, "LANGSMITH_TRACING is not true", id="key-only"),
    pytest.param({"LANGSMITH_API_KEY": KEY, "LANGSMITH_TRACING": "true"}, "redacted traces and decisions", id="on"),
])  # fmt: skip
def test_check_names_the_state_of_langsmith(own_settings: Settings, variables: dict[str, str], said: str) -> None:
    ran = _kakari(own_settings, "check", "--json", **variables)

    (found,) = [each for each in json.loads(ran.stdout) if each["what"] == "langsmith"]
    assert found["state"] == "ok"
    assert said in found["said"]
