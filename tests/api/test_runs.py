"""Runs: one reply for a burst, an overtaken run ends at once, a stopped one leaves its messages to a person."""

import asyncio
import json
import time
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from graph.run import ReplyFlow
from graph.state import Request, RunContext
from pharmacy.domain.outcome import Outcome
from pharmacy.settings import Settings
from pharmacy.storage.background import end
from pharmacy.storage.telling import OVERTAKEN
from server.worker.run import run_worker, sweep
from tests.api.answers import REDRAFT, by_words
from tests.api.shop import Shop, WordGate, assembled_with, new_id, running
from tests.fakes.openai_server import OpenAIFake, faults

pytestmark = pytest.mark.timed


async def test_a_burst_within_the_settling_time_gets_one_reply_for_all(
    own_settings: Settings, fake: OpenAIFake
) -> None:
    settings = own_settings.model_copy(update={"settle_seconds": 0.5})
    async with running(settings) as shop:
        asking = []
        for number in range(5):
            asking.append(asyncio.create_task(shop.say("burst", f"相談の続き{number}です")))
            await asyncio.sleep(0.1)
        outcomes = await asyncio.gather(*asking)
        runs = await shop.rows("SELECT state FROM runs")

    assert [row.state for row in runs] == ["proposed"]
    assert {outcome["suggestion_id"] for outcome in outcomes} == {outcomes[0]["suggestion_id"]}
    assert {outcome["version"] for outcome in outcomes} == {5}


async def test_a_newer_message_ends_the_run_within_a_second_and_its_outcome_is_both_messages(
    own_shop: Shop, fake: OpenAIFake
) -> None:
    fake.script.fail(faults.hang(), times=2)
    first = asyncio.create_task(own_shop.say("c", "はじめの相談です"))
    await _calls(fake, 2)

    started = time.monotonic()
    second = asyncio.create_task(own_shop.say("c", "もう一つ相談です"))
    left = await asyncio.to_thread(fake.log.left_early, 2, 1.5)
    took = time.monotonic() - started

    assert left
    assert took < 1
    one, two = await first, await second
    assert one["suggestion_id"] == two["suggestion_id"]
    assert (one["version"], two["version"]) == (2, 2)
    states = await own_shop.rows("SELECT state FROM runs ORDER BY started_at")
    assert [row.state for row in states] == ["superseded", "proposed"]


async def test_calls_of_a_run_that_was_overtaken_are_recorded_too(own_shop: Shop, fake: OpenAIFake) -> None:
    fake.script.fail(faults.hang(), times=2)
    await own_shop.say("c", "はじめの相談です", wait=None)
    await _calls(fake, 2)

    await own_shop.say("c", "もう一つ相談です")

    cut = await own_shop.rows("SELECT node, error FROM model_calls WHERE error IS NOT NULL ORDER BY node")
    assert [(row.node, row.error) for row in cut] == [("classify", "cancelled"), ("switch_phase", "cancelled")]


async def test_an_emergency_is_on_the_list_within_a_second_while_the_models_hang(
    own_shop: Shop, fake: OpenAIFake
) -> None:
    fake.script.fail(faults.hang(), times=None)
    await own_shop.say("c", "ふつうの相談です", wait=None)
    await _calls(fake, 2)

    started = time.monotonic()
    body = await own_shop.say("c", "緊急語です", wait=5)
    listed = (await own_shop.http.get("/v1/handovers", params={"tier": "E"})).json()["items"]

    assert time.monotonic() - started < 1
    assert (body["outcome"], body["reason"]["tier"]) == ("handover", "E")
    assert [item["conversation_id"] for item in listed] == ["c"]
    assert listed[0]["reasons"][0]["hits"][0]["rule"] == "word.E"


async def test_an_emergency_makes_no_job_and_no_model_call(own_settings: Settings, fake: OpenAIFake) -> None:
    async with running(own_settings, work=False) as shop:
        await shop.say("c", "緊急語です", wait=5)
        jobs = await shop.rows("SELECT id FROM procrastinate_jobs WHERE task_name = 'reply'")

    assert jobs == []
    assert fake.log.chats() == []


async def test_a_message_after_an_emergency_joins_its_case_until_a_person_closes_it(shop: Shop) -> None:
    conversation_id = new_id()
    first = await shop.say(conversation_id, "緊急語です")

    second = await shop.say(conversation_id, "体調の相談です")
    case = (await shop.http.get(f"/v1/handovers/{first['handover_id']}")).json()
    await shop.post(f"/v1/handovers/{first['handover_id']}/resolve", {"resolution": "電話しました", "version": 2})
    third = await shop.say(conversation_id, "もう落ち着きました")

    assert (second["outcome"], second["reason"]["code"]) == ("handover", "open_case")
    assert second["handover_id"] == first["handover_id"]
    assert (case["reason"]["tier"], len(case["reasons"]), case["version"]) == ("E", 2, 2)
    assert third["outcome"] == "suggestion"


async def test_a_stopped_run_leaves_its_message_to_a_person(own_shop: Shop, fake: OpenAIFake) -> None:
    fake.script.fail(faults.hang(), times=2)
    waiting = asyncio.create_task(own_shop.say("c", "相談です"))
    await _calls(fake, 2)
    in_work = (await own_shop.conversation("c"))["run"]

    stopped = await own_shop.http.delete("/v1/conversations/c/run")

    assert in_work["id"]
    assert stopped.json() == {"stopped": True}
    assert (await waiting)["reason"]["code"] == "run_stopped"
    assert (await own_shop.conversation("c"))["run"] is None
    assert await asyncio.to_thread(fake.log.left_early, 2)


async def _tabs(shop: Shop) -> dict[str, int]:
    return {tab: many for tab, many in (await shop.http.get("/v1/desk")).json()["tabs"].items() if many}


async def _asked_again(shop: Shop, fake: OpenAIFake, suggestion_id: str) -> None:
    """Have the draft written again by a model that hangs, and wait until the run is in work."""
    fake.script.fail(faults.hang(), times=None)
    before = len(fake.log.chats())
    answer = await shop.post(f"/v1/suggestions/{suggestion_id}/regenerate", {"version": 1, "instruction": "短く"})
    assert answer.status_code == 200, answer.text
    await _calls(fake, before + 1)


@pytest.mark.parametrize("way", ["stop", "take-over"])
async def test_a_draft_whose_rewriting_is_stopped_can_be_decided_again(
    own_shop: Shop, fake: OpenAIFake, way: str
) -> None:
    draft = await own_shop.suggestion((await own_shop.say("c", "相談です"))["suggestion_id"])
    await _asked_again(own_shop, fake, draft["id"])

    if way == "stop":
        await own_shop.http.delete("/v1/conversations/c/run")
    else:
        await own_shop.post("/v1/conversations/c/take-over")
        await own_shop.post("/v1/conversations/c/give-back")

    async def at_rest() -> Any:
        return await own_shop.rows("SELECT 1 FROM runs WHERE state = 'stopped' AND finished_at IS NOT NULL")

    await own_shop.until(at_rest)
    shown = await own_shop.conversation("c")
    assert (shown["run"], shown["handover"], await _tabs(own_shop)) == (None, None, {"check": 1})
    assert shown["suggestion"] == draft | {"calls": None}
    assert (await own_shop.post(f"/v1/suggestions/{draft['id']}/approve", {"version": 1})).status_code == 200


async def test_the_draft_that_comes_back_is_the_one_that_was_given_up_last(own_shop: Shop, fake: OpenAIFake) -> None:
    first = (await own_shop.say("c", "相談です"))["suggestion_id"]
    fake.script.rule = lambda asked: (
        by_words(asked) | ({"reply": REDRAFT} if asked.schema_name == "WrittenReply" else {})
    )
    await own_shop.post(f"/v1/suggestions/{first}/regenerate", {"version": 1})
    (row,) = await own_shop.until(lambda: own_shop.rows("SELECT id FROM suggestions WHERE state = 'open'"))
    second = str(row.id)
    await _asked_again(own_shop, fake, second)

    await own_shop.http.delete("/v1/conversations/c/run")

    states = {str(row.id): row.state for row in await own_shop.rows("SELECT id, state FROM suggestions")}
    assert states == {first: "regenerated", second: "open"}


async def test_a_wish_that_is_stopped_where_a_draft_was_refused_leaves_the_case_to_a_person(
    own_shop: Shop, fake: OpenAIFake
) -> None:
    refused = (await own_shop.say("c", "相談です"))["suggestion_id"]
    await own_shop.post(f"/v1/suggestions/{refused}/reject", {"version": 1, "reason": "tone"})
    fake.script.fail(faults.hang(), times=None)
    before = len(fake.log.chats())
    await own_shop.post("/v1/conversations/c/suggestions", {})
    await _calls(fake, before + 1)

    await own_shop.http.delete("/v1/conversations/c/run")

    shown = await own_shop.conversation("c")
    assert (shown["run"], shown["suggestion"], await _tabs(own_shop)) == (None, None, {"person": 1})


async def test_there_is_nothing_to_stop_when_no_run_is_in_work(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "相談です")

    assert (await shop.http.delete(f"/v1/conversations/{conversation_id}/run")).json() == {"stopped": False}


async def test_taking_over_stops_the_run_in_work(own_shop: Shop, fake: OpenAIFake) -> None:
    fake.script.fail(faults.hang(), times=2)
    waiting = asyncio.create_task(own_shop.say("c", "相談です"))
    await _calls(fake, 2)

    await own_shop.post("/v1/conversations/c/take-over")

    assert (await waiting)["reason"]["code"] == "taken_over"


@dataclass
class FlowWithABug:
    """The shipped flow, but one word makes it fail as no step is ready for."""

    sound: ReplyFlow

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)

    async def run(self, request: Request, context: RunContext) -> Outcome:
        """Raise for the word, else do the real work."""
        outcome = await self.sound.run(request, context)
        if "虫" in request.transcript.latest_text:
            raise ZeroDivisionError("a bug")
        return outcome


async def test_a_message_that_breaks_three_runs_is_parked_while_others_go_on(
    own_settings: Settings, fake: OpenAIFake
) -> None:
    shipped = assembled_with(own_settings, WordGate())
    async with running(own_settings, replace(shipped, replies=FlowWithABug(shipped.replies))) as shop:
        broken = asyncio.create_task(shop.say("poison", "虫の入った相談です"))
        other = await shop.say("sound", "ふつうの相談です")
        parked = await broken
        runs = await shop.rows("SELECT state, problem FROM runs WHERE conversation_id = 'poison' ORDER BY started_at")
        calls = await shop.rows("SELECT seq FROM model_calls WHERE conversation_id = 'poison'")

    assert other["outcome"] == "suggestion"
    assert (parked["outcome"], parked["reason"]["code"]) == ("handover", "parked")
    assert [row.state for row in runs] == ["failed", "failed", "failed", "proposed"]
    assert runs[0].problem == "ZeroDivisionError"
    assert len(calls) == 3 * 4


async def test_messages_taken_while_no_worker_ran_are_answered_when_one_comes(
    own_settings: Settings, fake: OpenAIFake
) -> None:
    async with running(own_settings, work=False) as shop:
        await shop.say("c", "だれもいない間の相談です", wait=None)
        worker = asyncio.create_task(run_worker(shop.program))

        await shop.until(lambda: _answered(shop, "c"))

        await end(worker, again_seconds=15)


async def test_a_message_whose_job_was_lost_is_swept_up(own_settings: Settings, fake: OpenAIFake) -> None:
    async with running(own_settings, work=False) as shop:
        for name in ("lost", "kept"):
            await shop.say(name, "相談です", wait=None)
        await _forget_job(shop, "lost")

        first, second = await sweep(shop.program), await sweep(shop.program)

    assert (first, second) == (1, 0)


async def test_a_model_that_answers_a_nul_ends_with_a_person_and_its_record_is_kept(
    own_shop: Shop, fake: OpenAIFake
) -> None:
    wild = {"missing_facts": [], "reply": "こんにちは\0さようなら"}
    fake.script.answer(wild, wild, wild, schema="WrittenReply")

    body = await own_shop.say("c", "相談です")

    assert (body["outcome"], body["reason"]["code"]) == ("handover", "reply_unreadable")
    (kept,) = await own_shop.rows("SELECT output FROM model_calls WHERE node LIKE 'generate%'")
    assert json.loads(kept.output) == wild


async def test_a_run_reads_at_most_200_messages_and_calls_a_person_for_more(
    own_settings: Settings, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    async with running(own_settings, work=False) as shop:
        await shop.say("c", "至急語で始まる相談です", wait=None)
    owner.execute(
        "INSERT INTO messages (pharmacy_id, id, conversation_id, version, author, text, sent_at)"
        " SELECT pharmacy_id, 'm' || n, conversation_id, n, author, n || '件目です', sent_at - n * interval '5 minutes'"
        " FROM messages, generate_series(2, 205) n"
    )
    owner.execute("UPDATE conversations SET version = 205")

    async with running(own_settings) as shop:
        await shop.until(lambda: _answered(shop, "c"))
        case = (await shop.conversation("c"))["handover"]

    assert case["reason"] == {"code": "burst", "detail": "5 more messages than a run reads", "tier": "U"}


async def _answered(shop: Shop, conversation_id: str) -> bool:
    return all(message["answered"] for message in (await shop.conversation(conversation_id))["messages"])


async def _calls(fake: OpenAIFake, count: int) -> None:
    async with asyncio.timeout(10):
        while len(fake.log.chats()) < count:  # noqa: ASYNC110 (the stand-in runs in a thread of its own)
            await asyncio.sleep(0.01)


async def _forget_job(shop: Shop, conversation_id: str) -> None:
    async with shop.program.database.begin_without_pharmacy() as tx:
        lock = f"reply:{shop.program.settings.pharmacy_id}:{conversation_id}"
        await tx.execute(text("DELETE FROM procrastinate_jobs WHERE lock = :lock"), {"lock": lock})


async def test_a_pharmacists_own_reply_ends_the_run_in_work_and_leaves_no_draft_and_no_case(
    own_shop: Shop, fake: OpenAIFake
) -> None:
    fake.script.fail(faults.hang(), times=2)
    asking = asyncio.create_task(own_shop.say("c", "はじめの相談です"))
    await _calls(fake, 2)

    answer = await own_shop.post("/v1/conversations/c/messages", {"text": "薬剤師です。承知しました。", "version": 1})

    assert answer.status_code == 202
    outcome = await asking
    assert (outcome["outcome"], outcome["reason"]["code"]) == ("handover", "answered_in_person")
    shown = await own_shop.conversation("c")
    assert (shown["suggestion"], shown["handover"]) == (None, None)
    assert len(await own_shop.rows("SELECT id FROM outcomes")) == 1


@pytest.mark.parametrize(
    ("words", "tier"), [pytest.param("至急語です", "U", id="urgent"), pytest.param("人手語です", "H", id="human")]
)
async def test_a_pending_wish_for_a_draft_lets_no_newer_message_past_its_gate(
    own_shop: Shop, fake: OpenAIFake, words: str, tier: str
) -> None:
    fake.script.fail(faults.hang(), times=2)
    await own_shop.say("c", "はじめの相談です", wait=None)
    await _calls(fake, 2)
    wish = asyncio.create_task(own_shop.post("/v1/conversations/c/suggestions", {}, params={"wait": 20}))
    await own_shop.until(lambda: own_shop.rows("SELECT id FROM requests"))

    outcome = await own_shop.say("c", words)

    assert (outcome["outcome"], outcome["reason"]["tier"]) == ("handover", tier)
    assert (await own_shop.conversation("c"))["handover"]["reason"]["tier"] == tier
    assert (await wish).json()["outcome"] == "handover"


async def test_a_message_whose_runs_fail_three_times_keeps_the_tier_that_intake_found(
    own_settings: Settings, fake: OpenAIFake
) -> None:
    shipped = assembled_with(own_settings, WordGate())
    async with running(own_settings, replace(shipped, replies=FlowWithABug(shipped.replies))) as shop:
        parked = await shop.say("poison", "至急語と虫の入った相談です")
        case = (await shop.http.get(f"/v1/handovers/{parked['handover_id']}")).json()
        joined = await shop.say("poison", "ふつうの相談です")

    assert (parked["reason"]["code"], parked["reason"]["tier"]) == ("parked", "U")
    assert [hit["rule"] for hit in case["reasons"][0]["hits"]] == ["word.U"]
    assert (joined["handover_id"], joined["reason"]["code"]) == (parked["handover_id"], "open_case")


@dataclass
class FlowThatHangs:
    """The shipped flow, but it never comes to an end."""

    sound: ReplyFlow

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)

    async def run(self, request: Request, context: RunContext) -> Outcome:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError(request, context)


async def test_a_stopped_run_keeps_the_tier_that_intake_found(own_settings: Settings) -> None:
    shipped = assembled_with(own_settings, WordGate())
    async with running(own_settings, replace(shipped, replies=FlowThatHangs(shipped.replies))) as shop:
        asking = asyncio.create_task(shop.say("c", "至急語です"))
        await shop.until(lambda: shop.rows("SELECT id FROM runs"))

        await shop.http.delete("/v1/conversations/c/run")

        reason = (await asking)["reason"]

    assert (reason["code"], reason["tier"]) == ("run_stopped", "U")


async def test_a_message_of_a_patient_whose_stored_profile_is_broken_still_comes_to_a_person(
    own_settings: Settings, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    async with running(own_settings, work=False) as shop:
        await shop.say("c", "至急語の相談です", wait=None)
    owner.execute("""UPDATE patients SET profile = '{"allergies": 5, "consent": "?"}'""")

    async with running(own_settings) as shop:
        await shop.until(lambda: _answered(shop, "c"), 30)
        case = (await shop.conversation("c"))["handover"]

    assert (case["reason"]["code"], case["reason"]["tier"]) == ("parked", "U")


async def test_a_run_is_woken_by_a_newer_message_and_by_its_end_and_not_by_its_own_steps(shop: Shop) -> None:
    conversation_id, pharmacy_id = new_id(), shop.program.settings.pharmacy_id
    async with shop.program.notices.subscribe(OVERTAKEN, f"{pharmacy_id}/{conversation_id}") as news:
        await shop.say(conversation_id, "体調の相談です")
        await asyncio.sleep(0.5)  # whatever else is told has come by then

        told, _ = news.take()

    assert len(told) == 2
