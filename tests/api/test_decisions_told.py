"""What pharmacists decide becomes feedback on the trace of the run: redacted, once, and never at anybody's cost."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from pharmacy.settings import Settings
from pharmacy.storage import erasure
from pharmacy.storage.remarks import TRACE_SECONDS
from tests.api.answers import GOOD
from tests.api.shop import Shop, new_id, running
from tests.api.traced_shop import in_queue, jobs_left, rule_file, running_traced, seconds_of, told
from tests.fakes.langsmith_server import Fault, LangSmithFake

EDITED = GOOD.replace("いつでも", "平日に")


async def _decide(shop: Shop, decision: str, body: dict[str, Any], words: str = "体調の相談です") -> dict[str, Any]:
    """Have a draft written, decide on it, and return its outcome."""
    outcome = await shop.say(new_id(), words)
    assert outcome["outcome"] == "suggestion", outcome
    answer = await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/{decision}", {"version": 1, **body})
    assert answer.status_code == 200, answer.text
    return outcome


@pytest.mark.parametrize(
    ("decision", "body", "value", "score", "comment"),
    [
        pytest.param("approve", {}, "approved", 1.0, None, id="approved"),
        pytest.param("edit", {"text": EDITED, "cause": "style"}, "edited", 0.9231, "style", id="edited"),
        pytest.param("reject", {"reason": "tone", "detail": "花子さん"}, "rejected", 0.0, "tone", id="rejected"),
        pytest.param("reject", {"reason": "handled"}, "rejected", None, "handled", id="dealt-with"),
        pytest.param("regenerate", {"instruction": "もっと短く"}, "regenerated", 0.0, None, id="written-again"),
    ],
)
async def test_a_decision_becomes_feedback_on_its_runs_trace(
    own_settings: Settings, tmp_path: Path, decision: str, body: dict[str, Any], value: str, score: float | None,
    comment: str | None,
) -> None:  # fmt: skip
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            await _decide(shop, decision, body)

            (said,) = await told(shop, langsmith)

            assert said["run_id"] == said["trace_id"]
            assert said["run_id"] in {root["id"] for root in langsmith.roots()}
            assert (said["key"], said["value"], said.get("comment")) == ("decision", value, comment)
            assert said.get("score") == (score if score is None else pytest.approx(score, abs=0.05))
            assert "花子" not in langsmith.everything()
            assert langsmith.problems == []


async def test_an_edit_tells_how_much_was_changed_and_what_it_should_have_been(
    own_settings: Settings, tmp_path: Path
) -> None:
    words = "田中花子と申します。体調の相談です。"
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            corrected = {"text": f"花子さま、{GOOD}", "category": "follow_up", "phase": "taking"}
            await _decide(shop, "edit", corrected, words)

            (said,) = await told(shop, langsmith)

            correction = said["correction"]
            assert (correction["classify"], correction["switch_phase"]) == ("follow_up", "taking")
            assert correction["reply"].endswith(GOOD)
            assert 0 < said["feedback_source"]["metadata"]["edited_share"] < 0.2
            # She is named in full in her own message only: read first, as in the trace, it makes her known here too.
            assert "花子" not in langsmith.everything()
            assert "〔氏名" in correction["reply"]


async def test_a_reply_without_the_draft_says_so_of_the_drafts_run(own_settings: Settings, tmp_path: Path) -> None:
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            conversation_id = new_id()
            await shop.say(conversation_id, "体調の相談です")
            answer = await shop.post(
                f"/v1/conversations/{conversation_id}/messages", {"text": "電話します", "version": 1}
            )
            assert answer.status_code == 202, answer.text

            (said,) = await told(shop, langsmith)

            assert (said["value"], said["score"]) == ("replied", 0)


async def test_a_lost_answer_has_the_same_feedback_told_again_and_kept_once(
    own_settings: Settings, tmp_path: Path
) -> None:
    with LangSmithFake() as langsmith:
        langsmith.faults = [Fault("POST /feedback", 502, taken=True)]
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            await _decide(shop, "approve", {})

            async def twice() -> bool:
                return langsmith.platform.feedback.posts == 2

            await shop.until(twice, 60)

            assert len(langsmith.platform.feedback.taken) == 1


async def test_a_decision_that_is_refused_tells_nobody(own_settings: Settings, tmp_path: Path) -> None:
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path), work=True) as shop:
            outcome = await shop.say(new_id(), "体調の相談です")

            answer = await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 7})

            assert answer.status_code == 409
            assert await jobs_left(shop) == 0


async def test_nothing_is_queued_while_tracing_is_off(own_settings: Settings) -> None:
    async with running(own_settings, work=True) as shop:
        await _decide(shop, "approve", {})
        await _decide(shop, "reject", {"reason": "tone"})

        (row,) = await shop.rows("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'langsmith'")

        assert row[0] == 0


async def test_of_an_erased_patient_no_decision_is_told(own_settings: Settings, tmp_path: Path) -> None:
    with LangSmithFake() as langsmith:
        # The erasure comes while the job has read its rows and waits for LangSmith.
        langsmith.faults = [Fault("GET /sessions", delay_seconds=3)]
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            conversation_id = new_id()
            outcome = await shop.say(conversation_id, "体調の相談です", patient={"id": "p-gone"})
            edited = {"version": 1, "text": "消された言葉です"}
            await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/edit", edited)

            async def asked() -> bool:
                return ("GET", "/sessions") in langsmith.asked

            await shop.until(asked, 60)
            pharmacy_id = shop.program.settings.pharmacy_id
            erased = await erasure.erase(shop.program.database, pharmacy_id, "p-gone", "test")
            await _decide(shop, "approve", {})
            (said,) = await told(shop, langsmith)

            assert erased.jobs >= 1
            assert said["value"] == "approved"
            assert "消された言葉" not in langsmith.everything()


@pytest.mark.timed
@pytest.mark.parametrize("fault", ["away", "hanging", "failing"])
async def test_a_langsmith_that_does_not_answer_delays_neither_a_decision_nor_the_end(
    own_settings: Settings, tmp_path: Path, fault: str
) -> None:
    rule = rule_file(tmp_path)
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule) as shop:
            well = [await _seconds_to_decide(shop) for _ in range(6)]
        ill_one = LangSmithFake(status=500 if fault == "failing" else 202)
        ill_one.faults = [Fault("", delay_seconds=600, times=1000)] if fault == "hanging" else []
        with ill_one:
            if fault == "away":
                ill_one.stop()
            async with running_traced(own_settings, ill_one, rule) as shop:
                ill = [await _seconds_to_decide(shop) for _ in range(6)]
                await asyncio.sleep(TRACE_SECONDS)  # the jobs' time has come while they wait
                left, ended = await jobs_left(shop), time.monotonic()
            ended = time.monotonic() - ended

    assert left >= 6
    assert sorted(ill)[3] < sorted(well)[3] * 5 + 0.2
    assert ended < 3.5  # the rest of the program is given 4 s for what it has in hand


async def _seconds_to_decide(shop: Shop) -> float:
    outcome = await shop.say(new_id(), "体調の相談です")
    path = f"/v1/suggestions/{outcome['suggestion_id']}/approve"
    return await seconds_of(shop.post(path, {"version": 1}))


async def test_refused_and_edited_drafts_stand_in_the_pharmacys_one_queue_and_approved_ones_do_not(
    own_settings: Settings, tmp_path: Path
) -> None:
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
            await _decide(shop, "approve", {})
            await _decide(shop, "edit", {"text": EDITED})
            await _decide(shop, "reject", {"reason": "medically_wrong"})

            queues = await in_queue(shop, langsmith, 2)
            await told(shop, langsmith, 3)

            assert [*queues] == ["kakari/default"]
            taken = langsmith.platform.feedback.taken.values()
            assert queues["kakari/default"] == {each["run_id"] for each in taken if each["value"] != "approved"}
            assert await _noted(shop, 2) == {("edited",), ("refused",)}
            assert langsmith.problems == []


async def test_the_queue_is_made_once_and_found_by_its_name_afterwards(own_settings: Settings, tmp_path: Path) -> None:
    with LangSmithFake() as langsmith:
        for number in (1, 2):
            async with running_traced(own_settings, langsmith, rule_file(tmp_path)) as shop:
                await _decide(shop, "reject", {"reason": "tone"})
                await in_queue(shop, langsmith, number)

        assert langsmith.asked.count(("POST", "/annotation-queues")) == 1


async def test_a_sample_of_all_runs_and_drafts_that_just_cleared_their_bar_are_looked_at_undecided(
    own_settings: Settings, tmp_path: Path
) -> None:
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path, sample_share=1.0)) as shop:
            await shop.say(new_id(), "体調の相談です")
            await shop.say(new_id(), "人手語")

            await in_queue(shop, langsmith, 2)

            assert await _noted(shop, 2) == {("sample",)}


async def _noted(shop: Shop, runs: int) -> set[tuple[str, ...]]:
    """Return why runs were put into the queue, once so many are noted."""

    async def look() -> list[Any] | None:
        rows = [*await shop.rows("SELECT why FROM annotation_items")]
        return rows if len(rows) >= runs else None

    return {tuple(row.why) for row in await shop.until(look, 60)}
