"""`kakari promote` and `kakari drill`: who may, what speaks against it, and that nothing changes until nothing does."""

import json
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from distillation.datasets.building import Wanted, build
from distillation.drill import Drilled
from distillation.promoting import Asked, Promotion, begin
from distillation.promoting import decide as take_step
from distillation.replacing import replace_teacher
from pharmacy.domain.rights import Role
from pharmacy.domain.serving import Serving
from pharmacy.settings import Settings
from pharmacy.storage import access_accounts, servings
from pharmacy.storage.access_accounts import NewAccount
from pharmacy.storage.refusals import Conflict
from tests.api.commands import kakari
from tests.api.played import ASKED, approved
from tests.api.shop import Shop, running
from tests.api.students import decide, student_of, with_students
from tests.fakes.openai_server import OpenAIFake

NODE = "classify"
TEACHER, STUDENT = "openai:gpt-4o-2024-08-06", f"openai:{student_of(NODE)}"


@pytest.fixture
async def own(own_settings: Settings, fake: OpenAIFake, tmp_path: Path) -> AsyncIterator[Shop]:
    """Return a pharmacy with a student for `classify`, fourteen decided messages, and accounts of two roles."""
    settings = with_students(own_settings, fake, tmp_path, NODE)
    async with running(settings) as shop:
        for words in ASKED:
            await approved(shop, words)
        await build(shop.program.database, settings, Wanted(NODE))
        async with shop.program.database.begin(settings.pharmacy_id) as tx:
            for name, role in (("mori", Role.LEAD), ("hayashi", Role.PHARMACIST)):
                await access_accounts.add(tx, settings.pharmacy_id, "test", NewAccount(name, role))
        yield shop


async def promoted(shop: Shop, *words: str) -> tuple[int, dict[str, Any], dict[str, bool]]:
    done = await kakari(shop, "promote", NODE, "--yes", "--json", *words)
    assert done.stdout, f"{done.stderr} {done.exception!r}"
    said = json.loads(done.stdout)
    return done.exit_code, said, {check["name"]: check["passes"] for check in said["checks"]}


async def now(shop: Shop) -> Serving | None:
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        found = (await servings.decided(tx, pharmacy_id)).get(NODE)
    return found.serving if found else None


async def test_too_few_cases_refuse_the_first_step_with_each_reason_and_how_many_more_are_needed(own: Shop) -> None:
    status, said, checks = await promoted(own, "--approved-by", "mori")

    assert (status, said["step"], said["done"], await now(own)) == (1, "shadow", False, None)
    assert checks == {
        "approver": True, "rows": False, "pharmacist_labels": False, "exact_agreement": False,
        "sensitivity(pharmacist_only)": False, "end_to_end": False, "plain_model": True,
    }  # fmt: skip
    assert said["rows_needed"] == 3_597
    told = {check["name"]: check["said"] for check in said["checks"]}
    assert "3 held-out cases of at least 3600; 3597 more are needed" in told["rows"]
    assert told["end_to_end"].startswith("+0.00%")
    assert told["plain_model"].startswith("openai:gpt-4o-mini-2024-07-18; ")


async def test_only_a_role_that_the_plan_names_may_let_a_student_on(own: Shop) -> None:
    for name in ("hayashi", "nobody"):
        status, said, checks = await promoted(own, "--approved-by", name)

        assert (status, checks["approver"], said["done"]) == (1, False, False)


async def test_later_steps_rest_on_what_was_seen_live(own: Shop) -> None:
    await decide(own, NODE, Serving("teacher", shadow_share=0.25, student=STUDENT))

    status, said, checks = await promoted(own, "--approved-by", "mori")

    assert (status, said["step"], checks) == (1, "canary", {"approver": True, "shadow_cases": False})
    await decide(own, NODE, Serving("canary", 0.05, 0.25, STUDENT))
    status, said, checks = await promoted(own, "--approved-by", "mori")
    assert (status, said["after"]) == (1, f"canary: the student serves 20%, the student answers 25% unused ({STUDENT})")
    assert checks == {"approver": True, "canary_conversations": False, "step_back": True}
    await decide(own, NODE, Serving("student", student=STUDENT))
    done = await kakari(own, "promote", NODE, "--approved-by", "mori", "--yes")
    assert (done.exit_code, f"{STUDENT} serves already" in done.stderr) == (1, True)


async def test_a_drill_tries_what_stays_against_what_was_answered_and_says_why_nothing_passes(
    own: Shop, fake: OpenAIFake
) -> None:
    before = len(fake.log.chats())
    done = await kakari(own, "drill", NODE, "--yes", "--json")

    assert done.stdout, f"{done.stderr} {done.exception!r}"
    said = json.loads(done.stdout)
    assert (done.exit_code, said["retiring"], said["chosen"], said["written"]) == (1, TEACHER, None, None)
    models = [one["model"] for one in said["tried"]]
    assert "openai:gpt-6-luna" in models
    assert TEACHER not in models
    for one in said["tried"]:
        assert {"rows", "exact_agreement", "end_to_end"} <= {check["name"] for check in one["checks"]}
        assert one["passes"] is False
    asked = {chat.body["model"] for chat in fake.log.chats()[before:] if "Classification" in json.dumps(chat.body)}
    assert "gpt-6-luna" in asked
    assert TEACHER.partition(":")[2] not in asked  # it may be gone


async def test_a_teacher_is_replaced_by_who_may_and_that_is_on_record(own: Shop) -> None:
    settings, found = own.program.settings, Drilled(NODE, TEACHER, "e-1", ())

    unsaid = await kakari(own, "drill", NODE, "--write", "--yes")
    nobody = await kakari(own, "drill", NODE, "--write", "--yes", "--approved-by", "nobody")
    await replace_teacher(own.program.database, settings, found, "openai:gpt-6-luna", "mori")

    assert (unsaid.exit_code, "--approved-by" in unsaid.output) == (2, True)
    assert (nobody.exit_code, "nothing was asked or changed" in nobody.stderr) == (1, True)
    assert tomllib.loads(settings.models_file.read_text("utf-8"))[NODE]["teacher"] == "openai:gpt-6-luna"
    (row,) = await own.rows("SELECT actor, subject, body FROM audit WHERE action = 'teacher_replaced'")
    assert (row.actor, row.subject, row.body["model"]) == ("mori", NODE, "openai:gpt-6-luna")


async def test_a_step_is_taken_unasked_only_with_the_word_for_it(own: Shop) -> None:
    done = await kakari(own, "promote", NODE, "--approved-by", "mori", "--json")

    assert (done.exit_code, "--yes" in done.output) == (2, True)


@pytest.mark.parametrize("meanwhile", ["decided_and_back", "disabled"])
async def test_a_step_is_not_taken_on_what_no_longer_holds(own: Shop, meanwhile: str) -> None:
    program, pharmacy_id = own.program, own.program.settings.pharmacy_id
    await decide(own, NODE, Serving("teacher", shadow_share=1.0, student=STUDENT))
    given = Asked(NODE, "mori")
    begun = await begin(program.database, program.settings, program.assembled, given)
    if meanwhile == "decided_and_back":
        await decide(own, NODE, Serving("teacher"))
        await decide(own, NODE, Serving("teacher", shadow_share=1.0, student=STUDENT))
    else:
        await own.rows("UPDATE accounts SET disabled_at = now() WHERE name = 'mori' RETURNING id")

    with pytest.raises(Conflict):
        await take_step(program.database, program.settings, program.assembled, given, Promotion(NODE, begun.step, ()))

    async with program.database.begin(pharmacy_id) as tx:
        assert (await servings.decided(tx, pharmacy_id))[NODE].serving.by == "teacher"
