"""Suggestions: the queue, and what a pharmacist decides on a draft."""

import asyncio
from uuid import uuid4

import pytest

from tests.api.answers import GOOD, REDRAFT
from tests.api.shop import Shop, new_id, running
from tests.fakes.openai_server import OpenAIFake, faults


async def _drafted(shop: Shop, words: str = "体調の相談です") -> tuple[str, dict]:
    conversation_id = new_id()
    return conversation_id, await shop.say(conversation_id, words)


async def _sent(shop: Shop, conversation_id: str) -> list[dict]:
    async def look() -> list[dict]:
        messages = (await shop.conversation(conversation_id))["messages"]
        return [message for message in messages if message["author"] != "patient"]

    return await shop.until(look)


async def test_a_suggestion_shows_marks_reasons_why_it_is_held_its_trail_and_its_models(shop: Shop) -> None:
    _, outcome = await _drafted(shop)

    shown = await shop.suggestion(outcome["suggestion_id"])

    assert shown["earlier_drafts"] == []
    assert (shown["state"], shown["text"], shown["version"]) == ("open", GOOD, 1)
    assert shown["held_for"] == ["first_contact", "consent_unknown", "not_allow_listed"]
    assert [step["node"] for step in shown["trail"]][:2] == ["screen", "triage"]
    assert set(shown["judgement"]) == {"safety", "accuracy", "answers_question", "phase_fit", "tone"}
    assert {call["node"] for call in shown["calls"]} == set(shown["models"])
    assert all(call["prompt_tokens"] > 0 and call["cost_usd"] > 0 for call in shown["calls"])


async def test_an_approved_draft_becomes_a_message_and_its_phase_the_conversations(shop: Shop) -> None:
    conversation_id, outcome = await _drafted(shop, "提案へ進みたい相談です")
    before = (await shop.conversation(conversation_id))["phase"]

    answer = await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 1})

    (sent,) = await _sent(shop, conversation_id)
    after = await shop.conversation(conversation_id)
    assert (answer.status_code, answer.json()["state"]) == (200, "approved")
    assert (sent["text"], sent["author"]) == (GOOD, "pharmacist")
    assert sent["sent_by"] == answer.json()["decided_by"]
    assert (before, outcome["phase"], after["phase"]) == ("intake", "proposal", "proposal")
    assert after["suggestion"] is None


async def test_a_rejected_draft_leaves_the_phase_as_it_was(shop: Shop) -> None:
    conversation_id, outcome = await _drafted(shop, "提案へ進みたい相談です")

    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/reject", {"version": 1, "reason": "tone"})

    assert (await shop.conversation(conversation_id))["phase"] == "intake"


async def test_an_edit_sends_the_pharmacists_words_and_keeps_both_texts(shop: Shop) -> None:
    conversation_id, outcome = await _drafted(shop)
    edit = {"version": 1, "text": "薬剤師が書き直しました。", "reason": "ことばづかい", "category": "follow_up",
            "phase": "taking"}  # fmt: skip

    answer = await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/edit", edit)

    (sent,) = await _sent(shop, conversation_id)
    after = await shop.conversation(conversation_id)
    assert (answer.json()["state"], answer.json()["text"], sent["text"]) == ("edited", GOOD, edit["text"])
    assert answer.json()["decision"]["text"] == edit["text"]
    assert (after["category"], after["phase"]) == ("follow_up", "taking")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param({"category": "refund"}, "category", id="unknown-category"),
        pytest.param({"phase": "heaven"}, "phase", id="unknown-phase"),
        pytest.param({"text": "必ず治ります。"}, "reason", id="claim-without-a-reason"),
        pytest.param({"text": "   "}, "text", id="blank-text"),
        pytest.param({"version": "1"}, "version", id="version-as-text"),
        pytest.param({"version": 1.5}, "version", id="version-with-a-fraction"),
        pytest.param({"approved_by": "me"}, "approved_by", id="mass-assignment"),
        pytest.param({"cause": "ugly"}, "cause", id="unknown-cause"),
    ],
)
async def test_an_edit_that_cannot_be_names_the_place(shop: Shop, change: dict, place: str) -> None:
    _, outcome = await _drafted(shop)

    answer = await shop.post(
        f"/v1/suggestions/{outcome['suggestion_id']}/edit", {"version": 1, "text": "承知しました。"} | change
    )

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", place]


async def test_an_edit_keeps_what_was_wrong_with_the_draft(shop: Shop) -> None:
    _, outcome = await _drafted(shop)
    suggestion = outcome["suggestion_id"]

    answer = await shop.post(
        f"/v1/suggestions/{suggestion}/edit", {"version": 1, "text": "承知しました。", "cause": "incomplete"}
    )

    (audited,) = await shop.rows(
        "SELECT body FROM audit WHERE subject = :of AND action = 'suggestion_edited'", of=suggestion
    )
    assert answer.json()["decision"]["cause"] == audited.body["cause"] == "incomplete"


async def test_a_claim_is_sent_all_the_same_when_a_pharmacist_gives_a_reason(shop: Shop) -> None:
    conversation_id, outcome = await _drafted(shop)

    answer = await shop.post(
        f"/v1/suggestions/{outcome['suggestion_id']}/edit",
        {"version": 1, "text": "必ず治ります。", "reason": "引用です"},
    )

    assert answer.status_code == 200
    assert [message["text"] for message in await _sent(shop, conversation_id)] == ["必ず治ります。"]


async def test_a_draft_that_the_output_gate_holds_by_now_goes_out_for_a_reason_only(own_shop: Shop) -> None:
    conversation_id, outcome = await _drafted(own_shop)
    suggestion = f"/v1/suggestions/{outcome['suggestion_id']}"
    await own_shop.say(new_id(), "はじめまして", patient={"id": "p-since", "name": "気になる点"})

    held = await own_shop.post(f"{suggestion}/approve", {"version": 1})
    still = (await own_shop.http.get(suggestion)).json()["state"]
    sent = await own_shop.post(f"{suggestion}/approve", {"version": 1, "reason": "ここでは名前ではありません"})

    assert (held.status_code, still) == (422, "open")
    assert "output gate" in held.text
    assert (sent.status_code, sent.json()["state"]) == (200, "approved")
    assert [message["text"] for message in await _sent(own_shop, conversation_id)] == [GOOD]
    (audited,) = await own_shop.rows("SELECT body FROM audit WHERE action = 'suggestion_approved'")
    assert audited.body["overridden"] == ["name.other_patient"]


async def test_a_rejected_draft_leaves_a_case_for_a_person(shop: Shop) -> None:
    conversation_id, outcome = await _drafted(shop)

    answer = await shop.post(
        f"/v1/suggestions/{outcome['suggestion_id']}/reject",
        {"version": 1, "reason": "medically_wrong", "detail": "用量がちがいます"},
    )

    case = (await shop.conversation(conversation_id))["handover"]
    assert answer.json()["state"] == "rejected"
    assert case["reason"] == {"code": "draft_rejected", "detail": "medically_wrong: 用量がちがいます"}


async def test_a_draft_rejected_as_handled_leaves_no_case(shop: Shop) -> None:
    conversation_id, outcome = await _drafted(shop)

    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/reject", {"version": 1, "reason": "handled"})

    assert (await shop.conversation(conversation_id))["handover"] is None


async def test_a_wish_for_another_draft_reaches_the_next_prompt_with_the_draft_before(shop: Shop) -> None:
    conversation_id, outcome = await _drafted(shop)

    answer = await shop.post(
        f"/v1/suggestions/{outcome['suggestion_id']}/regenerate", {"version": 1, "instruction": "もっと短く"}
    )

    async def look() -> dict | None:
        return (await shop.conversation(conversation_id))["suggestion"]

    shown = await shop.until(look)
    assert answer.json()["state"] == "regenerated"
    assert (shown["text"], shown["requested"]) == (REDRAFT, True)
    assert "requested" in shown["held_for"]
    (blanks,) = await shop.rows(
        "SELECT m.blanks FROM model_calls m JOIN runs r ON r.id = m.run_id WHERE r.request_id IS NOT NULL"
        " AND m.conversation_id = :c AND m.node LIKE 'generate%'", c=conversation_id,
    )  # fmt: skip
    assert blanks.blanks["instruction"] == "もっと短く"
    assert GOOD in blanks.blanks["previous_drafts"]


DECISIONS = [
    pytest.param("approve", {}, id="approve"),
    pytest.param("edit", {"text": "書き直しました。"}, id="edit"),
    pytest.param("reject", {}, id="reject"),
    pytest.param("regenerate", {}, id="regenerate"),
]


@pytest.mark.parametrize(("name", "body"), DECISIONS)
async def test_a_decision_on_an_old_version_answers_with_the_newer_messages(shop: Shop, name: str, body: dict) -> None:
    conversation_id, outcome = await _drafted(shop)
    await shop.say(conversation_id, "やっぱり別の相談です")

    answer = await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/{name}", {"version": 1} | body)

    told = answer.json()
    assert (answer.status_code, told["version"], told["state"]) == (409, 2, "superseded")
    assert [message["text"] for message in told["newer_messages"]] == ["やっぱり別の相談です"]


@pytest.mark.parametrize(("name", "body"), DECISIONS)
async def test_a_decided_draft_cannot_be_decided_again(shop: Shop, name: str, body: dict) -> None:
    _, outcome = await _drafted(shop)
    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/reject", {"version": 1, "reason": "handled"})

    answer = await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/{name}", {"version": 1} | body)

    assert (answer.status_code, answer.json()["state"]) == (409, "rejected")


@pytest.mark.parametrize(("name", "body"), DECISIONS)
async def test_a_foreign_suggestion_answers_as_one_that_does_not_exist(shop: Shop, name: str, body: dict) -> None:
    _, outcome = await _drafted(shop)

    foreign = await shop.foreign.post(f"/v1/suggestions/{outcome['suggestion_id']}/{name}", json={"version": 1} | body)
    unknown = await shop.post(f"/v1/suggestions/{uuid4()}/{name}", {"version": 1} | body)

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert (await shop.suggestion(outcome["suggestion_id"]))["state"] == "open"


async def test_of_two_approvals_at_once_one_wins_and_one_text_is_sent(shop: Shop) -> None:
    for _ in range(10):
        conversation_id, outcome = await _drafted(shop)
        path = f"/v1/suggestions/{outcome['suggestion_id']}/approve"

        answers = await asyncio.gather(*(shop.post(path, {"version": 1}) for _ in range(2)))

        assert sorted(answer.status_code for answer in answers) == [200, 409]
        rows = await shop.rows("SELECT retry_key FROM outbox WHERE conversation_id = :c", c=conversation_id)
        assert len(rows) == 1


async def test_decisions_and_resolutions_at_once_never_block_each_other_for_good(shop: Shop) -> None:
    conversation_id = new_id()
    case = await shop.say(conversation_id, "人手語です")
    for _ in range(5):
        asked = await shop.post(f"/v1/conversations/{conversation_id}/suggestions", {}, params={"wait": 20})
        answers = await asyncio.gather(
            shop.post(f"/v1/suggestions/{asked.json()['suggestion_id']}/reject", {"version": 1, "reason": "tone"}),
            shop.post(f"/v1/handovers/{case['handover_id']}/resolve"),
            shop.post(f"/v1/conversations/{conversation_id}/claim"),
        )
        assert {answer.status_code for answer in answers} <= {200, 409}


async def test_an_approved_text_that_a_newer_message_overtook_is_parked_and_a_person_called(
    own_settings, fake: OpenAIFake
) -> None:
    async with running(own_settings) as shop:
        outcome = await shop.say("c", "提案へ進みたい相談です")
    async with running(own_settings, work=False) as shop:
        await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 1})
        await shop.say("c", "緊急語です")
    async with running(own_settings) as shop:

        async def parked() -> bool:
            return (await shop.conversation("c"))["unsent"][0]["state"] == "parked"

        await shop.until(parked)
        after = await shop.conversation("c")

    assert [message["author"] for message in after["messages"]] == ["patient", "patient"]
    assert after["unsent"][0]["problem"] == "newer_message"
    assert [entry["code"] for entry in after["handover"]["reasons"]] == ["triage", "not_sent"]
    assert after["phase"] == "intake"


async def test_the_queue_lists_open_drafts_the_longest_waiting_first_and_filters(shop: Shop) -> None:
    places = [await _drafted(shop) for _ in range(3)]
    await shop.post(f"/v1/suggestions/{places[1][1]['suggestion_id']}/reject", {"version": 1, "reason": "handled"})

    listed = (await shop.http.get("/v1/suggestions", params={"limit": 200})).json()["items"]
    refused = await shop.http.get("/v1/suggestions", params={"state": "rejected", "conversation_id": places[1][0]})
    of_one = await shop.http.get("/v1/suggestions", params={"state": "all", "conversation_id": places[1][0]})

    mine = [item["id"] for item in listed if item["conversation_id"] in {place for place, _ in places}]
    assert mine == [places[0][1]["suggestion_id"], places[2][1]["suggestion_id"]]
    assert [item["id"] for item in refused.json()["items"]] == [places[1][1]["suggestion_id"]]
    assert [item["state"] for item in of_one.json()["items"]] == ["rejected"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param("approve", {}, id="approve"),
        pytest.param("edit", {"text": "書き直しました。"}, id="edit"),
        pytest.param("reject", {"reason": "handled"}, id="handled"),
    ],
)
async def test_an_answered_patient_gets_no_second_draft_from_wishes_still_in_work(
    own_shop: Shop, fake: OpenAIFake, name: str, body: dict
) -> None:
    outcome = await own_shop.say("c", "体調の相談です")
    fake.script.fail(faults.hang(), times=2)
    before = len(fake.log.chats())
    for _ in range(2):
        await own_shop.post("/v1/conversations/c/suggestions", {})
    async with asyncio.timeout(10):
        while len(fake.log.chats()) < before + 2:  # noqa: ASYNC110 (the stand-in runs in a thread of its own)
            await asyncio.sleep(0.01)

    answer = await own_shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/{name}", {"version": 1} | body)

    async def idle() -> bool:
        return not await own_shop.rows("SELECT id FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")

    await own_shop.until(idle)
    assert answer.status_code == 200
    assert (await own_shop.conversation("c"))["suggestion"] is None
    assert [row.state for row in await own_shop.rows("SELECT state FROM runs ORDER BY started_at")] == [
        "proposed", "stopped",
    ]  # fmt: skip


async def test_approving_a_draft_leaves_what_a_pharmacist_corrected_after_it_was_written(shop: Shop) -> None:
    conversation_id, outcome = await _drafted(shop, "提案へ進みたい相談です")
    await shop.http.patch(f"/v1/conversations/{conversation_id}", json={"phase": "taking", "category": "follow_up"})

    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 1})

    await _sent(shop, conversation_id)
    after = await shop.conversation(conversation_id)
    assert (after["phase"], after["category"]) == ("taking", "follow_up")


async def test_a_correction_between_approving_and_sending_is_kept(own_settings, fake: OpenAIFake) -> None:
    async with running(own_settings) as shop:
        outcome = await shop.say("c", "提案へ進みたい相談です")
    async with running(own_settings, work=False) as shop:
        await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 1})
        await shop.http.patch("/v1/conversations/c", json={"phase": "taking", "category": "follow_up"})
    async with running(own_settings) as shop:
        await _sent(shop, "c")
        after = await shop.conversation("c")

    assert (after["phase"], after["category"]) == ("taking", "follow_up")
