"""A teacher's answers that the provider keeps, with labels that name nobody, come back beside our own records."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pharmacy.models.openai_client import openai_client
from pharmacy.models.patience import Patience
from pharmacy.models.stored_completions import StoreRefused, stored_answers
from pharmacy.models.tables import Endpoint
from pharmacy.settings import Settings
from tests.api.played import ASKED, approved, edited
from tests.api.shop import Shop, running
from tests.fakes.openai_server import OpenAIFake

CHECKOUT = Path(__file__).resolve().parents[2]
BETTER = "お話をありがとうございます。手足の冷えがいつごろから続いているか、もう少しお聞かせください。"
DISAGREES = {"consent": {"replies": True, "training": False}}


@pytest.fixture
def keeping(own_settings: Settings, tmp_path: Path) -> Settings:
    """Return settings under which `classify` has its teacher's answers kept."""
    shipped = own_settings.models_file.read_text(encoding="utf-8")
    file = tmp_path / "models.toml"
    file.write_text(shipped.replace("[classify]\n", "[classify]\nstore = true\n"), encoding="utf-8")
    return own_settings.model_copy(update={"models_file": file})


@pytest.fixture
async def shop(keeping: Settings) -> AsyncIterator[Shop]:
    async with running(keeping) as open_shop:
        yield open_shop


def imported(settings: Settings, fake: OpenAIFake) -> tuple[int, dict[str, Any], str]:
    """Return how the command ended, what it printed and what it said beside it."""
    assert settings.database_url
    told = {"DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home),
            "KAKARI_MODELS_FILE": str(settings.models_file), "OPENAI_API_KEY": "test",
            "OPENAI_BASE_URL": fake.url}  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KAKARI_", "OPENAI_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "cli", "dataset", "import-stored", "classify", "--json"], cwd=CHECKOUT, env=kept | told,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return ran.returncode, json.loads(ran.stdout or "null"), ran.stderr


async def test_only_the_named_nodes_teacher_is_kept_and_its_labels_name_no_patient(
    shop: Shop, fake: OpenAIFake
) -> None:
    played = await approved(shop, ASKED[0], patient={"id": "p-1", "name": "山田花子", "consent": {"training": True}})

    (kept,) = fake.world.stored.rows()
    (run,) = await shop.rows("SELECT id FROM runs WHERE conversation_id = :of", of=played.conversation_id)
    (call,) = await shop.rows("SELECT prompt_fingerprint FROM model_calls WHERE node = 'classify'")
    assert kept["metadata"] == {
        "kakari_node": "classify", "kakari_prompt": call.prompt_fingerprint, "kakari_run": str(run.id),
    }  # fmt: skip
    assert sum(bool(entry.body and entry.body.get("store")) for entry in fake.log.chats()) == 1


async def test_nothing_is_kept_of_a_patient_who_does_not_agree_to_training(shop: Shop, fake: OpenAIFake) -> None:
    await approved(shop, ASKED[0], patient=DISAGREES)

    assert fake.world.stored.rows() == []


async def test_as_shipped_nothing_is_kept(own_settings: Settings, fake: OpenAIFake) -> None:
    async with running(own_settings) as shipped:
        await approved(shipped, ASKED[0])

    assert fake.world.stored.rows() == []
    assert not any("metadata" in (entry.body or {}) for entry in fake.log.chats())


async def test_kept_answers_become_rows_by_our_own_records_and_the_rest_is_counted(
    shop: Shop, keeping: Settings, fake: OpenAIFake
) -> None:
    await approved(shop, ASKED[0])
    await edited(shop, ASKED[1], {"text": BETTER, "category": "follow_up"})
    before = [*fake.world.stored.kept.values()]
    fake.world.stored.kept.pop(before[0][0]["id"])
    shown, messages = before[1]
    stranger = {**shown, "id": "chatcmpl-x", "metadata": {**shown["metadata"], "kakari_run": str(uuid4())}}
    unlabelled = {**shown, "id": "chatcmpl-y", "metadata": {"kakari_node": "classify"}}
    for each in (stranger, unlabelled):
        fake.world.stored.kept[each["id"]] = (each, messages)

    status, printed, said = imported(keeping, fake)

    assert (status, printed["stored"], printed["new"]) == (0, 3, True), said
    assert printed["manifest"]["kinds"] == {"corrected": 1}
    assert printed["manifest"]["left_out"] == {"stored_without_a_run": 1, "stored_without_our_record": 1}


async def test_an_answer_whose_words_are_not_our_records_is_left_out(
    shop: Shop, keeping: Settings, fake: OpenAIFake
) -> None:
    await approved(shop, ASKED[0])
    (kept,) = fake.world.stored.rows()
    kept["choices"][0]["message"]["content"] = '{"category": "order_delivery"}'

    status, printed, _ = imported(keeping, fake)

    assert (status, printed) == (1, {"version": None, "left_out": {"stored_without_our_record": 1}})


async def test_consent_that_was_taken_back_since_leaves_the_row_out(
    shop: Shop, keeping: Settings, fake: OpenAIFake
) -> None:
    played = await approved(shop, ASKED[0])
    answer = await shop.http.put(f"/v1/patients/{played.patient_id}", json={"id": played.patient_id} | DISAGREES)
    assert answer.status_code < 300, answer.text

    status, printed, _ = imported(keeping, fake)

    assert (status, printed["left_out"]) == (1, {"no_consent": 1})


async def test_all_pages_are_read_and_a_store_that_refuses_is_told_in_words(fake: OpenAIFake) -> None:
    for number in range(230):
        fake.world.stored.kept[f"c-{number}"] = ({
            "id": f"c-{number}", "object": "chat.completion", "created": 0, "model": "gpt-4o-2024-08-06",
            "choices": [], "metadata": {"kakari_node": "classify" if number % 2 else "judge"},
        }, [])  # fmt: skip
    client = openai_client("openai", Endpoint(base_url=fake.url, api_key_env="KEY"), {"KEY": "sk-test"})

    found = [each.id async for each in stored_answers(client, "classify", Patience(1))]

    assert found == [f"c-{number}" for number in range(1, 230, 2)]
    fake.world.key = "sk-other"
    with pytest.raises(StoreRefused, match="cannot be read \\(401"):
        await anext(stored_answers(client, "classify", Patience(1)))
    await client.close()
