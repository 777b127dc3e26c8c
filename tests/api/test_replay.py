"""`kakari replay`: then beside now, what differs, and that nothing but the audit trail is written."""

import asyncio
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from evaluation.replaying import Change, Replayed, replay
from pharmacy.storage import erasure
from pharmacy.storage.refusals import NotHere
from tests.api.played import ASKED, Played, approved, as_new_pharmacy, asked
from tests.api.shop import Shop, new_id
from tests.fakes.openai_server import OpenAIFake

OTHER = "gpt-4.1-mini-2025-04-14"
_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'procrastinate%' ORDER BY tablename
"""


async def message_of(shop: Shop, played: Played, number: int = 0) -> str:
    seen = await shop.conversation(played.conversation_id)
    return [one["id"] for one in seen["messages"] if one["author"] == "patient"][number]


async def replayed(shop: Shop, message_id: str, change: Change | None = None, **more: Any) -> Replayed:
    program = shop.program
    pharmacy_id = program.settings.pharmacy_id
    return await replay(
        program.database, pharmacy_id, program.assembled, message_id, change or Change(), "test", **more
    )


async def contents(shop: Shop) -> dict[str, str]:
    """Return each table with the hash of its rows; the audit trail and what only says who is alive left out."""
    found: dict[str, str] = {}
    for (table,) in await shop.rows(_TABLES):
        if table not in ("audit", "audit_heads"):
            rows = await shop.rows(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            found[table] = hashlib.sha256(repr(rows).encode()).hexdigest()
    return found


async def test_under_the_same_models_it_comes_out_the_same_and_only_the_audit_trail_grows(own_shop: Shop) -> None:
    played = await approved(own_shop, ASKED[0])
    message_id = await message_of(own_shop, played)
    before, trail = await contents(own_shop), await own_shop.rows("SELECT * FROM audit")

    found = await replayed(own_shop, message_id)

    assert (found.then["outcome"], found.then["reply"]) == ("suggestion", found.now["reply"])
    assert (found.differs, found.facts_changed_since, found.asked_otherwise) == ((), (), ())
    assert sorted(call["node"] for call in found.calls_then) == sorted(call.node for call in found.calls_now)
    assert await contents(own_shop) == before
    assert len(await own_shop.rows("SELECT * FROM audit")) == len(trail) + 1
    (row,) = await own_shop.rows("SELECT actor, subject, body FROM audit WHERE action = 'replayed'")
    assert (row.actor, row.subject, row.body["message"]) == ("test", played.conversation_id, message_id)


async def test_another_model_for_a_node_changes_what_hangs_on_that_node(own_shop: Shop, fake: OpenAIFake) -> None:
    played = await asked(own_shop, ASKED[1])
    usual = fake.script.rule

    def otherwise(question: Any) -> Any:
        answer = usual(question)
        if question.model == OTHER and question.schema_name == "Classification":
            answer["category"] = "pharmacist_only"
        return answer

    fake.world.models.add(OTHER)
    fake.script.rule = otherwise
    found = await replayed(own_shop, await message_of(own_shop, played), Change({"classify": f"openai:{OTHER}"}))

    assert (found.then["outcome"], found.now["outcome"], found.now["category"]) == (
        "suggestion", "handover", "pharmacist_only",
    )  # fmt: skip
    assert {"outcome", "category", "models"} <= set(found.differs)
    assert {call.node: call.model_asked for call in found.calls_now}["classify"] == f"openai:{OTHER}"


async def test_what_came_later_does_not_reach_the_replay_of_an_earlier_message(own_shop: Shop) -> None:
    played = await approved(own_shop, ASKED[2])
    await asked(own_shop, "配送はいつですか。", of=played)

    first = await replayed(own_shop, await message_of(own_shop, played))
    second = await replayed(own_shop, await message_of(own_shop, played, 1))

    assert (first.now["category"], second.now["category"]) == ("symptom_consultation", "order_delivery")
    assert not any("配送はいつですか" in call.blanks["conversation"] for call in first.calls_now)
    assert all("配送はいつですか" in call.blanks["conversation"] for call in second.calls_now)
    # The second message wrote the patient's profile again: what it was before is not kept.
    assert (first.facts_changed_since, second.facts_changed_since) == (("patient",), ())
    assert (first.asked_otherwise, second.differs) == ((), ())


async def test_a_case_that_stood_open_then_holds_the_replay_too(own_shop: Shop) -> None:
    played = await asked(own_shop, "至急語です。")
    await asked(own_shop, ASKED[3], of=played)

    found = await replayed(own_shop, await message_of(own_shop, played, 1))

    assert (found.then["reason"]["code"], found.now["reason"]["code"]) == ("open_case", "open_case")


async def test_a_conversation_that_was_taken_over_then_and_not_now_is_held_again(own_shop: Shop) -> None:
    played = await approved(own_shop, ASKED[4])
    assert (await own_shop.post(f"/v1/conversations/{played.conversation_id}/take-over")).status_code == 200
    held = await asked(own_shop, ASKED[5], of=played)
    assert (await own_shop.post(f"/v1/conversations/{played.conversation_id}/give-back")).status_code == 200

    first = await replayed(own_shop, await message_of(own_shop, played))
    second = await replayed(own_shop, await message_of(own_shop, held, 1))

    assert (first.now["outcome"], second.now["outcome"]) == ("suggestion", "handover")
    assert second.now["reason"]["code"] == second.then["reason"]["code"] == "taken_over"


async def test_an_emergency_that_no_model_saw_is_replayed_too(own_shop: Shop) -> None:
    played = await asked(own_shop, "緊急語です。")

    found = await replayed(own_shop, await message_of(own_shop, played))

    assert (found.now["outcome"], found.now["reason"]["tier"], found.calls_now) == ("handover", "E", ())


async def test_an_unknown_and_a_foreign_message_answer_alike(own_shop: Shop) -> None:
    message_id = await message_of(own_shop, await asked(own_shop, ASKED[6]))

    async with as_new_pharmacy(own_shop) as elsewhere:
        for unknown in (message_id, new_id("m")):
            with pytest.raises(NotHere, match=f"message '{unknown}': there is none"):
                await replayed(elsewhere, unknown)


async def test_an_erased_patients_message_is_not_found(own_shop: Shop) -> None:
    played = await asked(own_shop, ASKED[7])
    message_id = await message_of(own_shop, played)
    program = own_shop.program
    await erasure.erase(program.database, program.settings.pharmacy_id, played.patient_id, "test")

    with pytest.raises(NotHere):
        await replayed(own_shop, message_id)


async def kakari(shop: Shop, *words: str) -> Result:
    settings = shop.program.settings
    assert settings.database_url is not None
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home), "COLUMNS": "300",
        "KAKARI_PHARMACY_ID": settings.pharmacy_id, "OPENAI_API_KEY": "test",
        "OPENAI_BASE_URL": str(settings.openai_base_url),
    }  # fmt: skip
    return await asyncio.to_thread(CliRunner(env=environment).invoke, app, list(words))


async def test_the_command_prints_what_differs_first_and_refuses_what_it_cannot_read(
    own_shop: Shop, tmp_path: Path
) -> None:
    message_id = await message_of(own_shop, await asked(own_shop, ASKED[8]))

    same = await kakari(own_shop, "replay", message_id, "--json")
    local = await kakari(own_shop, "replay", message_id, "--model", "classify=local:classify")
    wrong = await kakari(own_shop, "replay", message_id, "--model", "classify")
    missing = await kakari(own_shop, "replay", message_id, "--flow", str(tmp_path / "none.toml"))
    unknown = await kakari(own_shop, "replay", new_id("m"))

    assert same.exit_code == 0, f"{same.stderr} {same.exception!r}"
    said = json.loads(same.stdout)
    assert (said["message"], said["then"]["outcome"], said["now"]["outcome"]) == (
        message_id, "suggestion", "suggestion",
    )  # fmt: skip
    assert local.exit_code == 0, f"{local.stderr} {local.exception!r}"
    assert local.stdout.splitlines()[0] == "differs:"
    assert "local:classify" in local.stdout
    assert (wrong.exit_code, "expected NODE=PROVIDER:NAME" in wrong.stderr) == (2, True)
    assert (missing.exit_code, isinstance(unknown.exception, NotHere)) == (2, True)


async def test_each_option_changes_what_the_replay_rests_on(own_shop: Shop, tmp_path: Path) -> None:
    played = await approved(own_shop, ASKED[10])
    message_id = await message_of(own_shop, played)
    settings = own_shop.program.settings
    prompts, flow, models, policy = (tmp_path / name for name in ("prompts", "flow.toml", "models.toml", "policy.toml"))
    shutil.copytree(settings.prompts_folder, prompts)
    system = prompts / "classify" / "system.md"
    system.write_text(system.read_text("utf-8") + "\n短く考えてください。\n", "utf-8")
    for of, served in ((flow, settings.flow_file), (models, settings.models_file), (policy, settings.policy_file)):
        of.write_text(served.read_text("utf-8"), "utf-8")
    flow.write_text(re.sub(r"(?m)^bar = \d", "bar = 5", flow.read_text("utf-8")), "utf-8")
    models.write_text(models.read_text("utf-8").replace('"openai:gpt-4o-2024-08-06"', f'"openai:{OTHER}"'), "utf-8")

    async def said(*words: str) -> dict[str, Any]:
        done = await kakari(own_shop, "replay", message_id, *words, "--json")
        assert done.exit_code == 0, f"{words} {done.stderr} {done.exception!r}"
        return dict(json.loads(done.stdout))

    usual, prompted, bars, elsewhere = [
        await said(*words)
        for words in ((), ("--prompts", str(prompts)), ("--flow", str(flow)), ("--models-file", str(models)))
    ]
    own = await said("--policy", str(policy), "--teachers", "--conversation", played.conversation_id)

    assert _fingerprint(prompted, "classify") != _fingerprint(usual, "classify")
    assert _fingerprint(prompted, "switch_phase") == _fingerprint(usual, "switch_phase")
    assert {bar["bar"] for bar in bars["now"]["judgement"].values()} == {5}
    assert {call["model_asked"] for call in elsewhere["now"]["calls"]} == {f"openai:{OTHER}"}
    assert own["conversation_id"] == played.conversation_id
    *_, last = await own_shop.rows("SELECT body FROM audit WHERE action = 'replayed' ORDER BY seq")
    assert (last.body["files"], last.body["teachers_only"]) == ({"policy_file": str(policy)}, True)
    flow.write_text("bar = ", "utf-8")
    for words, why in (
        (("--flow", str(flow)), "flow.toml"),
        (("--models-file", str(flow)), "flow.toml"),
        (("--conversation", new_id("c")), message_id),
        (("--model", "nobody=teacher"), "nobody"),
        (("--model", "classify=teacher", "--model", "classify=student"), "each node once"),
    ):
        refused = await kakari(own_shop, "replay", message_id, *words)
        assert (refused.exit_code != 0, why in f"{refused.stderr} {refused.exception}") == (True, True), (
            f"{words} {refused.stderr} {refused.exception}"
        )


def _fingerprint(said: dict[str, Any], node: str) -> str:
    return str(next(call["prompt_fingerprint"] for call in said["now"]["calls"] if call["node"] == node))


async def test_a_node_that_asks_no_model_and_one_without_a_student_are_refused_by_name(own_shop: Shop) -> None:
    message_id = await message_of(own_shop, await asked(own_shop, ASKED[9]))

    for given, said in (("triage=teacher", "triage"), ("classify=student", "no student that can be asked")):
        done = await kakari(own_shop, "replay", message_id, "--model", given)
        assert said in str(done.exception)
