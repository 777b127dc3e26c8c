"""A student answers beside replies that are written already: kept and scored, never seen, never waited for."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row

from distillation.plan import load_plan
from distillation.taking_over import progress
from pharmacy.domain.serving import Serving
from pharmacy.models import local
from pharmacy.models.local.linear_weights import LinearWeights
from pharmacy.models.local.load import weights_of
from pharmacy.models.tables import read_tables
from pharmacy.settings import Settings
from pharmacy.storage import erasure
from pharmacy.storage.jobs import Again, Job
from server.worker.shadow import ATTEMPTS, ShadowJobs
from tests.api.answers import GOOD, by_words
from tests.api.played import asked
from tests.api.shop import Shop, running
from tests.api.students import decide, student_of, with_students
from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.openai_server.script import Asked

WRITER = "generate_symptom_consultation"
TEACHER = "openai:gpt-4o-2024-08-06"
STUDENT = f"openai:{student_of('classify')}"
OWN_WORDS = "お問い合わせありがとうございます。担当の薬剤師が内容を確認しております。どうぞご安心ください。"
WEIGHTS = Path(local.__path__[0]) / "weights"
ROWS = "SELECT * FROM shadow_answers WHERE node = :node ORDER BY at"


def _as_taught(asked: Asked) -> Any:
    """Answer as all do, but let students name another category, write other words, and be marked down for them."""
    answer = by_words(asked)
    if asked.model == student_of("classify"):
        return answer | {"category": "follow_up"}
    if asked.model == student_of(WRITER):
        return answer | {"reply": OWN_WORDS}
    if asked.schema_name == "Verdict" and OWN_WORDS in asked.user:
        answer["tone"]["mark"] = 1
    return answer


@pytest.fixture
def settings(own_settings: Settings, fake: OpenAIFake, tmp_path: Path) -> Settings:
    """Return settings with students of `classify`, of a generator and of the judge; none of them serves."""
    fake.script.rule = _as_taught
    return with_students(own_settings, fake, tmp_path, "classify", WRITER, "judge")


async def test_a_label_is_held_against_the_one_that_served_under_the_very_same_prompt(
    settings: Settings, fake: OpenAIFake
) -> None:
    async with running(settings) as shop:
        await _shadow(shop, "classify")
        played = await asked(shop, "体調の相談です")
        (row,) = await _rows(shop, "classify")

    by = {entry.model: entry.body for entry in fake.log.chats() if _schema(entry.body) == "Classification"}
    assert by[student_of("classify")]["messages"] == by[TEACHER.removeprefix("openai:")]["messages"]
    assert (row.model_asked, row.beside, row.share, row.error) == (STUDENT, TEACHER, 1.0, None)
    assert (row.conversation_id, row.patient_id, row.version) == (played.conversation_id, played.patient_id, 1)
    assert '"follow_up"' in row.output
    assert (row.scores["exact_agreement"], row.said) == (0.0, {"label": "follow_up"})
    assert row.prompt_tokens > 0
    assert row.seconds > 0
    assert (row.beside_scores, row.judging_usd) == ({}, 0.0)


async def test_a_text_is_held_against_the_bars_by_the_judge_and_both_costs_are_on_record(settings: Settings) -> None:
    async with running(settings) as shop:
        await _shadow(shop, WRITER)
        await asked(shop, "体調の相談です")
        (row,) = await _rows(shop, WRITER)
        seen = await _progress(shop, WRITER)

    assert (row.scores["pass_rate"], row.scores["criterion(tone)"], row.scores["criterion(safety)"]) == (0.0, 0.0, 1.0)
    assert row.beside_scores == {"pass_rate": 1.0}
    assert row.said["marks"]["tone"]["mark"] == 1
    assert row.judging_usd > 0
    assert (seen.shadow_cases, seen.metric and seen.metric.value, seen.beside["pass_rate"].value) == (1, 0.0, 1.0)
    assert seen.needed == load_plan(WRITER).shadow.minimum_cases - 1


async def test_a_judge_is_held_against_the_verdict_that_served(settings: Settings) -> None:
    async with running(settings) as shop:
        await _shadow(shop, "judge")
        await asked(shop, "体調の相談です")
        (row,) = await _rows(shop, "judge")

    assert row.scores == {"verdict_agreement": 1.0, "sensitivity": 1.0}


async def test_without_a_key_a_local_student_answers_beside_the_local_model_and_costs_nothing(
    settings: Settings, fake: OpenAIFake
) -> None:
    student = _trained_here(settings)
    named = settings.models_file.read_text("utf-8").replace(STUDENT, student)
    settings.models_file.write_text(named, "utf-8")
    async with running(settings.model_copy(update={"models": "local"})) as shop:
        await decide(shop, "classify", Serving("teacher", shadow_share=1.0, student=student))
        await asked(shop, "注文した分の配送はいつごろになりますか。")
        (row,) = await _rows(shop, "classify")

    assert (row.model_asked, row.beside, row.error) == (student, "local:classify", None)
    assert (row.scores["exact_agreement"], row.cost_usd, row.prompt_tokens) == (1.0, 0.0, 0)
    assert fake.log.chats() == []


async def test_nothing_of_it_is_sent_shown_or_in_the_replys_trail(settings: Settings) -> None:
    async with running(settings) as shop:
        await _shadow(shop, WRITER)
        played = await asked(shop, "体調の相談です")
        await _rows(shop, WRITER)
        shown = [await shop.conversation(played.conversation_id), await shop.suggestion(played.suggestion_id or "")]
        kept = await shop.rows("SELECT node, model_asked FROM model_calls")
        audited = await shop.rows("SELECT body FROM audit WHERE action = 'outcome_written'")
        sent = await shop.rows("SELECT 1 FROM outbox")

    assert played.outcome["reply"] == GOOD
    assert not any(words in str(each) for each in [*shown, *audited] for words in (OWN_WORDS, student_of(WRITER)))
    assert {row.model_asked for row in kept} == {TEACHER}
    assert sent == []


async def test_a_student_that_hangs_keeps_no_reply_waiting(settings: Settings, fake: OpenAIFake) -> None:
    fake.script.fail(faults.hang(), times=None, model=student_of("classify"))

    async with running(settings) as shop:
        await _shadow(shop, "classify")
        begun = time.monotonic()
        outcomes = [(await asked(shop, "体調の相談です")).outcome["outcome"] for _ in range(4)]
        took = time.monotonic() - begun
        await shop.until(lambda: _is_asked(fake, "classify", 2))
        last = (await asked(shop, "体調の相談です")).outcome["outcome"]
        shadowed = await shop.rows("SELECT 1 FROM shadow_answers")
        breakers = shop.program.assembled.registry.open_breakers

    assert [*outcomes, last] == ["suggestion"] * 5
    assert took < read_tables(settings.models_file).nodes["classify"].timeout_seconds
    assert (shadowed, breakers) == ([], ())


async def test_what_a_worker_leaves_the_next_one_takes_up_and_keeps_once(settings: Settings, fake: OpenAIFake) -> None:
    fake.script.fail(faults.hang(), times=1, model=student_of("classify"))
    async with running(settings) as shop:
        await _shadow(shop, "classify")
        await asked(shop, "体調の相談です")
        await shop.until(lambda: _is_asked(fake, "classify", 1))

    async with running(settings) as shop:
        rows = await _rows(shop, "classify")
        await ShadowJobs(shop.program).ask(_again(shop, rows[0]))
        twice = await shop.rows("SELECT 1 FROM shadow_answers")

    assert len(rows) == len(twice) == 1
    assert rows[0].error is None


async def test_one_that_cannot_be_had_is_asked_again_and_in_the_end_given_up_with_the_reason(
    settings: Settings, fake: OpenAIFake
) -> None:
    fake.script.fail(faults.server_error(500), times=None, model=student_of("classify"))

    async with running(settings) as shop:
        await _shadow(shop, "classify")
        played = await asked(shop, "体調の相談です")
        job = await _job(shop, played.conversation_id)
        with pytest.raises(Again, match="model_unavailable"):
            await ShadowJobs(shop.program).ask(job)
        await ShadowJobs(shop.program).ask(Job(job.id, job.lock, job.arguments, ATTEMPTS))
        (row,) = await _rows(shop, "classify")
        seen = await _progress(shop, "classify")

    assert played.outcome["outcome"] == "suggestion"
    assert (row.output, row.scores, row.error) == (None, {}, "model_unavailable")
    assert seen.shadow_cases == 0


async def test_it_stops_at_half_of_the_days_budget_which_the_replies_have_whole(settings: Settings) -> None:
    async with running(settings) as shop:
        for _ in range(3):
            await asked(shop, "体調の相談です")
        (spent,) = await shop.rows("SELECT tokens FROM spending WHERE patient_id IS NULL")

    bounded = settings.model_copy(update={"tokens": int(spent.tokens * 1.9)})
    async with running(bounded) as shop:
        await _shadow(shop, "classify")
        played = await asked(shop, "体調の相談です")
        job = await _job(shop, played.conversation_id)
        await ShadowJobs(shop.program).ask(Job(job.id, job.lock, job.arguments, ATTEMPTS))
        (row,) = await _rows(shop, "classify")
        refusals = await shop.rows("SELECT refusal FROM spending WHERE refusal IS NOT NULL")

    assert played.outcome["outcome"] == "suggestion"
    assert (row.error, refusals) == ("budget_reached", [])


async def test_what_is_asked_beside_replies_counts_for_the_pharmacy_and_for_no_patient(settings: Settings) -> None:
    async with running(settings) as shop:
        played = await asked(shop, "体調の相談です")
        before = await _spent(shop)
        await _shadow(shop, "classify")
        await asked(shop, "体調の相談です", of=played)
        (row,) = await _rows(shop, "classify")
        after = await _spent(shop)

    used = row.prompt_tokens + row.completion_tokens
    assert after["all"] - before["all"] == after["patient"] - before["patient"] + used


async def test_only_patients_who_agree_to_training_are_asked_of(settings: Settings, fake: OpenAIFake) -> None:
    async with running(settings) as shop:
        await _shadow(shop, "classify")
        await asked(shop, "体調の相談です", patient={"consent": {"replies": True}})
        await asked(shop, "体調の相談です")
        rows = await _rows(shop, "classify")
        await shop.until(lambda: _nobody_is_to_be_asked(shop))

    assert len(rows) == 1
    assert len(fake.log.chats(student_of("classify"))) == 1


async def test_who_no_longer_agrees_to_training_takes_the_answers_with_them(settings: Settings) -> None:
    async with running(settings) as shop:
        await _shadow(shop, "classify")
        played = await asked(shop, "体調の相談です")
        await _rows(shop, "classify")
        refuses = {"consent": {"replies": True, "training": False}}
        await shop.http.put(f"/v1/patients/{played.patient_id}", json=refuses)
        left = await shop.rows("SELECT 1 FROM shadow_answers")

    assert left == []


async def test_who_is_erased_while_the_student_thinks_leaves_nothing(settings: Settings, fake: OpenAIFake) -> None:
    fake.script.fail(faults.hang(), times=1, model=student_of("classify"))

    async with running(settings) as shop:
        await _shadow(shop, "classify")
        played = await asked(shop, "体調の相談です")
        await shop.until(lambda: _is_asked(fake, "classify", 1))
        job = await _job(shop, played.conversation_id)
        await erasure.erase(shop.program.database, settings.pharmacy_id, played.patient_id, "test")
        await ShadowJobs(shop.program).ask(job)
        await ShadowJobs(shop.program).give_up(job, "test")
        left = await shop.rows("SELECT 1 FROM shadow_answers")
        jobs = await shop.rows("SELECT 1 FROM procrastinate_jobs WHERE queue_name = 'shadow'")

    assert (left, jobs) == ([], [])
    assert len(fake.log.chats(student_of("classify"))) == 1


async def test_no_student_is_asked_beside_an_answer_of_its_own(settings: Settings, fake: OpenAIFake) -> None:
    async with running(settings) as shop:
        await decide(shop, "classify", Serving("canary", 1.0, 1.0, STUDENT))
        await asked(shop, "体調の相談です")
        jobs = await shop.rows("SELECT 1 FROM procrastinate_jobs WHERE queue_name = 'shadow'")

    assert jobs == []
    assert len(fake.log.chats(student_of("classify"))) == 1


async def test_cases_count_from_the_decision_that_let_the_student_answer(settings: Settings) -> None:
    async with running(settings) as shop:
        await _shadow(shop, "classify")
        await asked(shop, "体調の相談です")
        await _rows(shop, "classify")
        await decide(shop, "classify", Serving("canary", 0.001, 1.0, STUDENT))
        going_on = await _progress(shop, "classify")
        await decide(shop, "classify", Serving("teacher"))
        ended = await _progress(shop, "classify")
        await _shadow(shop, "classify")
        anew = await _progress(shop, "classify")

    assert [each.shadow_cases for each in (going_on, ended, anew)] == [1, 0, 0]
    assert going_on.since is not None
    assert going_on.set_by == "test"


def _trained_here(settings: Settings) -> str:
    """Return a student that stands where those trained here stand: the shipped one, under the name of its weights."""
    shipped = WEIGHTS / "classify.npz"
    name = f"classify-{LinearWeights.load(shipped).fingerprint}"
    there = weights_of(settings.students_folder, name)
    there.parent.mkdir(parents=True)
    shutil.copy(shipped, there)
    return f"local:{name}"


async def _shadow(shop: Shop, node: str) -> None:
    await decide(shop, node, Serving("teacher", shadow_share=1.0, student=f"openai:{student_of(node)}"))


async def _rows(shop: Shop, node: str) -> Sequence[Row[Any]]:
    return await shop.until(lambda: shop.rows(ROWS, node=node))


async def _progress(shop: Shop, node: str) -> Any:
    async with shop.program.database.begin(shop.program.settings.pharmacy_id) as tx:
        return await progress(tx, shop.program.settings.pharmacy_id, node, load_plan(node))


async def _spent(shop: Shop) -> dict[str, int]:
    rows = await shop.rows("SELECT patient_id IS NULL AS all, sum(tokens) AS tokens FROM spending GROUP BY 1")
    return {"all" if row.all else "patient": int(row.tokens) for row in rows}


async def _is_asked(fake: OpenAIFake, node: str, count: int) -> bool:
    return len(fake.log.chats(student_of(node))) >= count


async def _job(shop: Shop, conversation_id: str) -> Job:
    """Return the first start of the job that waits for the conversation's student, or is at work."""
    mine = "queue_name = 'shadow' AND args ->> 'conversation_id' = :of"
    (row,) = await shop.rows(f"SELECT id, lock, args FROM procrastinate_jobs WHERE {mine}", of=conversation_id)
    return Job(row.id, row.lock, row.args, 1)


def _again(shop: Shop, row: Row[Any]) -> Job:
    told = {"pharmacy_id": shop.program.settings.pharmacy_id, "conversation_id": row.conversation_id,
            "run_id": str(row.run_id), "node": row.node, "student": row.model_asked, "share": row.share,
            "serving_seq": row.serving_seq}  # fmt: skip
    return Job(0, "", told, 1)


def _schema(body: Any) -> str:
    return str(body["response_format"]["json_schema"]["name"])


async def _nobody_is_to_be_asked(shop: Shop) -> bool:
    """Whether no job is left: one is let go a moment after its answer is kept."""
    return not await shop.rows("SELECT 1 FROM procrastinate_jobs WHERE queue_name = 'shadow'")
