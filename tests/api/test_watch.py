"""A student that serves is watched: once what it answers is no longer accepted, its teacher serves again by itself."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from distillation.acceptance import Acceptance
from distillation.datasets.rules import read_rules
from distillation.plan import load_plan
from distillation.taking_over import ACTOR, progress
from distillation.watching import Look, Watching, after, begun, look
from pharmacy.domain.serving import Serving
from pharmacy.settings import Settings
from pharmacy.storage import servings, watches
from pharmacy.storage.watches import Watched
from server.worker import watching
from server.worker.watching import StudentWatch
from tests.api.answers import by_words
from tests.api.played import Played, asked, decided
from tests.api.shop import Shop, running
from tests.api.students import decide, student_of, with_students
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.script import Asked

WRITER = "generate_symptom_consultation"
STUDENT = f"openai:{student_of(WRITER)}"
FULL = Serving("student", student=STUDENT)
DECISIVE = 10
"""Refusals in a row that no student of the writer's plan would see in one of a hundred lives."""

REFUSED = {"reason": "other"}


@pytest.fixture
def settings(own_settings: Settings, fake: OpenAIFake, tmp_path: Path) -> Settings:
    """Return settings with students of `classify` and of a generator; neither serves."""
    return with_students(own_settings, fake, tmp_path, "classify", WRITER)


async def test_a_decline_lets_the_teacher_serve_again_by_itself_from_the_next_run_on(
    settings: Settings, fake: OpenAIFake
) -> None:
    async with running(settings) as shop:
        await decide(shop, WRITER, FULL)
        for _ in range(DECISIVE):
            await _refused(shop)
        now = await shop.until(lambda: _decided_by(shop, ACTOR), seconds=5)
        await asked(shop, "体調の相談です")
        audited = await shop.rows("SELECT actor, body FROM audit WHERE action = 'serving_set' ORDER BY seq")
        alarms = await shop.rows("SELECT category, kind FROM alarms WHERE kind = 'stepped_back'")

    assert now.serving == Serving("teacher")
    assert f"acceptance of {STUDENT} has fallen below 70%: 0 of {DECISIVE} conversations since" in now.reason
    assert _written_by(fake) == [student_of(WRITER)] * DECISIVE + ["gpt-4o-2024-08-06"]
    assert [(row.actor, row.body["by"]) for row in audited] == [("test", "student"), (ACTOR, "teacher")]
    assert [row.category for row in alarms] == [WRITER]


async def test_another_process_serves_the_teacher_from_its_next_run_on_too(
    settings: Settings, fake: OpenAIFake
) -> None:
    async with running(settings, work=False) as watching:
        await decide(watching, WRITER, FULL)
        async with running(settings.model_copy(update={"home": settings.home / "other"})) as shop:
            for _ in range(DECISIVE - 1):
                await _refused(shop)
            last = await asked(shop, "体調の相談です")
            await decided(shop, last, "reject", REFUSED)
            await StudentWatch(watching.program).look()
            await asked(shop, "体調の相談です")

    assert _written_by(fake)[-2:] == [student_of(WRITER), "gpt-4o-2024-08-06"]


async def test_a_student_whose_answers_stand_goes_on_serving(settings: Settings) -> None:
    async with running(settings, work=True) as shop:
        await decide(shop, WRITER, FULL)
        for _ in range(DECISIVE + 2):
            await decided(shop, await asked(shop, "体調の相談です"), "approve")
        await shop.until(lambda: _has_seen(shop, DECISIVE + 2))
        seen = await _progress(shop)

    assert seen.serving == FULL
    assert seen.watch is not None
    assert (seen.watch.cases, seen.watch.accepted, seen.watch.has_fallen) == (DECISIVE + 2, DECISIVE + 2, False)
    assert (seen.canary_conversations, seen.acceptance and seen.acceptance.value) == (DECISIVE + 2, 1.0)


async def test_what_a_person_decides_later_is_not_undone_by_an_old_watch(settings: Settings) -> None:
    async with running(settings) as shop:
        await decide(shop, WRITER, FULL)
        for _ in range(DECISIVE):
            await _refused(shop)
        await shop.until(lambda: _decided_by(shop, ACTOR))
        await decide(shop, WRITER, FULL, "sato")
        looks = [await _look(shop), await _look(shop)]
        seen = await _progress(shop)

    assert (seen.serving, seen.set_by) == (FULL, "sato")
    assert looks[0] is not None
    assert (looks[0].state.cases, looks[0].stepped_back) == (0, False)
    assert seen.watch is not None
    assert (seen.watch.cases, seen.watch.has_fallen) == (0, False)


async def test_a_person_who_decides_while_the_watch_looks_has_the_last_word(settings: Settings) -> None:
    canary = Serving("canary", 1.0, student=STUDENT)
    async with running(settings) as shop:
        await decide(shop, WRITER, FULL)
        for _ in range(DECISIVE - 1):
            await _refused(shop)
        async with shop.program.database.begin(settings.pharmacy_id) as tx:
            # The person has their turn, and the watch waits for it with what it has read before.
            await servings.take_turn(tx, settings.pharmacy_id)
            await _refused(shop)
            looking = asyncio.create_task(_look(shop))
            await asyncio.sleep(0.2)
            waited = not looking.done()
            await servings.decide(tx, settings.pharmacy_id, "sato", WRITER, canary, "")
        seen, now = await looking, await _progress(shop)

    assert (waited, seen) == (True, None)
    assert (now.serving, now.set_by) == (canary, "sato")


async def test_two_who_look_at_once_count_each_conversation_once(settings: Settings) -> None:
    async with running(settings) as shop:
        await decide(shop, WRITER, FULL)
        first = await _refused(shop)
        again = await asked(shop, "もう一度、体調の相談です", of=first)
        for _ in range(4):
            await _refused(shop)
        await asyncio.gather(*(_look(shop) for _ in range(6)))
        await shop.until(lambda: _has_seen(shop, 5))
        seen, cases = await _progress(shop), await shop.rows("SELECT conversation_id, run_id FROM watch_cases")

    assert again.conversation_id == first.conversation_id
    assert seen.watch is not None
    assert (seen.watch.cases, len(cases)) == (5, 5)


async def test_the_state_is_what_the_cases_on_record_come_to(settings: Settings) -> None:
    async with running(settings) as shop:
        await decide(shop, WRITER, FULL)
        for decision, body in (("approve", None), ("reject", REFUSED), ("approve", None)):
            await decided(shop, await asked(shop, "体調の相談です"), decision, body)
        await shop.until(lambda: _has_seen(shop, 3))
        async with shop.program.database.begin(settings.pharmacy_id) as tx:
            now = (await servings.decided(tx, settings.pharmacy_id))[WRITER]
            watched = Watched(WRITER, now.seq, STUDENT, now.at)
            kept = await watches.state_of(tx, settings.pharmacy_id, watched)
            cases = await watches.cases_of(tx, settings.pharmacy_id, watched)

    anew = after(begun(load_plan(WRITER).step_back), cases)
    assert kept is not None
    assert (kept.cases, kept.accepted, kept.capitals) == (anew.cases, anew.accepted, anew.capitals)
    assert kept.accepted == 2


async def test_a_plan_that_could_not_be_read_is_read_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = tmp_path / "plans"
    monkeypatch.setattr(watching, "READ_AGAIN_SECONDS", 0.0)
    async with running(settings.model_copy(update={"plans_folder": plans})) as shop:
        await decide(shop, WRITER, FULL)
        for _ in range(DECISIVE):
            await _refused(shop)
        unwatched = await _decided_by(shop, ACTOR)

        shutil.copytree(settings.plans_folder, plans)
        await shop.until(lambda: _decided_by(shop, ACTOR), seconds=10)

    assert not unwatched


async def test_a_teacher_is_not_watched(settings: Settings) -> None:
    async with running(settings) as shop:
        await decide(shop, WRITER, Serving("teacher", shadow_share=0.001, student=STUDENT))
        await _refused(shop)
        seen = await _look(shop)
        rows = await shop.rows("SELECT 1 FROM watches")

    assert (seen, rows) == (None, [])


async def test_a_category_that_is_corrected_counts_against_the_student_and_a_refusal_says_nothing(
    settings: Settings,
) -> None:
    async with running(settings) as shop:
        await decide(shop, "classify", Serving("student", student=f"openai:{student_of('classify')}"))
        await _refused(shop)
        await decided(shop, await asked(shop, "体調の相談です"), "approve")
        corrected = {"text": "ご連絡ありがとうございます。お荷物の件を確認いたします。", "category": "order_delivery"}
        await decided(shop, await asked(shop, "体調の相談です"), "edit", corrected)
        await shop.until(lambda: _has_seen(shop, 2))
        cases = await shop.rows("SELECT acceptance FROM watch_cases ORDER BY acceptance")

    assert [row.acceptance for row in cases] == [0.0, 1.0]


async def test_in_a_canary_the_teacher_writes_what_the_judge_refuses_of_the_student_which_counts_against_it(
    settings: Settings, fake: OpenAIFake
) -> None:
    fake.script.rule = _judged_down
    async with running(settings) as shop:
        await decide(shop, WRITER, Serving("canary", 1.0, 0.25, STUDENT))
        played = await asked(shop, "体調の相談です")
        await decided(shop, played, "approve")
        await shop.until(lambda: _has_seen(shop, 1))
        (case,) = await shop.rows("SELECT acceptance FROM watch_cases")

    assert (played.outcome["outcome"], played.outcome["drafts"]) == ("suggestion", 2)
    assert _written_by(fake) == [student_of(WRITER), "gpt-4o-2024-08-06"]
    assert case.acceptance == 0.0


def _judged_down(asked: Asked) -> Any:
    words = "お問い合わせありがとうございます。くわしく確認いたしますので、少々お待ちください。"
    answer = by_words(asked)
    if asked.model == student_of(WRITER):
        return answer | {"reply": words}
    if asked.schema_name == "Verdict" and words in asked.user:
        answer["tone"]["mark"] = 1
    return answer


async def _refused(shop: Shop) -> Played:
    played = await asked(shop, "体調の相談です")
    await decided(shop, played, "reject", REFUSED)
    return played


async def _look(shop: Shop) -> Look | None:
    program, plan = shop.program, load_plan(WRITER)
    by = Watching(WRITER, plan, Acceptance(WRITER, program.assembled.flow, read_rules()))
    return await look(program.database, program.jobs, program.assembled, program.settings.pharmacy_id, by)


async def _decided_by(shop: Shop, actor: str) -> servings.Decided | None:
    async with shop.program.database.begin(shop.program.settings.pharmacy_id) as tx:
        now = (await servings.decided(tx, shop.program.settings.pharmacy_id)).get(WRITER)
    return now if now is not None and now.set_by == actor else None


async def _has_seen(shop: Shop, cases: int) -> bool:
    (row,) = await shop.rows("SELECT coalesce(max(cases), 0) AS cases FROM watches")
    return row.cases >= cases


async def _progress(shop: Shop) -> Any:
    async with shop.program.database.begin(shop.program.settings.pharmacy_id) as tx:
        return await progress(tx, shop.program.settings.pharmacy_id, WRITER, load_plan(WRITER))


def _written_by(fake: OpenAIFake) -> list[str]:
    asked_for = ((entry.model, entry.body["response_format"]["json_schema"]["name"]) for entry in fake.log.chats())
    return [str(model) for model, schema in asked_for if schema == "WrittenReply"]
