"""Private notes, how a conversation has moved, a case closed with a reply, and a snooze: over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pharmacy.domain.rights import Role
from pharmacy.storage import erasure
from tests.api.people import browser, person
from tests.api.shop import Shop, new_id
from tests.fakes.openai_server import OpenAIFake

NOTE = "折り返しの電話を約束した。家族には話さない。"


async def test_notes_are_kept_in_order_with_who_and_when(shop: Shop) -> None:
    place = f"/v1/conversations/{await _written(shop)}/notes"

    kept = [await shop.post(place, {"text": f"{number}: {NOTE}"}) for number in range(3)]
    first = (await shop.http.get(place, params={"limit": 2})).json()
    rest = (await shop.http.get(place, params={"limit": 2, "after": first["next"]})).json()

    assert [answer.status_code for answer in kept] == [201] * 3
    assert first["items"] + rest["items"] == [answer.json() for answer in kept]
    assert rest["next"] is None
    assert {note["written_by"].split(":")[0] for note in first["items"]} == {"key"}


async def test_a_note_reaches_neither_the_patient_nor_a_model(own_shop: Shop, fake: OpenAIFake) -> None:
    place = await _written(own_shop)
    asked = len(fake.log.chats())
    await own_shop.post(f"/v1/conversations/{place}/notes", {"text": NOTE})

    outcome = await own_shop.say(place, "もう一つ相談です")
    await own_shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 2})

    await own_shop.until(lambda: own_shop.rows("SELECT 1 FROM outbox WHERE state = 'sent'"))
    assert len(fake.log.chats()) > asked
    assert NOTE not in str(fake.log.chats())
    assert all(NOTE not in row.text for row in await own_shop.rows("SELECT text FROM outbox"))
    assert all(NOTE not in message["text"] for message in (await own_shop.conversation(place))["messages"])
    assert NOTE not in str(await own_shop.rows("SELECT * FROM audit"))


async def test_a_note_wakes_nobody_and_makes_no_draft_old(shop: Shop) -> None:
    place = new_id()
    outcome = await shop.say(place, "体調の相談です")
    before = await shop.conversation(place)

    await shop.post(f"/v1/conversations/{place}/notes", {"text": NOTE})

    assert await shop.conversation(place) == before
    approved = await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 1})
    assert approved.status_code == 200


@pytest.mark.parametrize("text", ["", " \n", "あ" * 5_001, None])
async def test_an_empty_or_endless_note_is_refused(shop: Shop, text: Any) -> None:
    answer = await shop.post(f"/v1/conversations/{await _written(shop)}/notes", {"text": text})

    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "text"])


async def test_whoever_may_not_read_words_neither_reads_nor_writes_notes(shop: Shop) -> None:
    place = f"/v1/conversations/{await _written(shop)}/notes"
    await shop.post(place, {"text": NOTE})

    async with browser(shop, await person(shop, Role.ENGINEER)) as engineer:
        answers = [await engineer.get(place), await engineer.post(place, json={"text": "x"})]
    elsewhere = [await shop.foreign.get(place), await shop.foreign.post(place, json={"text": "x"})]

    assert [answer.status_code for answer in answers + elsewhere] == [403, 403, 404, 404]


async def test_an_erased_patient_leaves_no_note_and_no_move(own_shop: Shop) -> None:
    place = await _written(own_shop, patient={"id": "p-gone"})
    await own_shop.post(f"/v1/conversations/{place}/notes", {"text": NOTE})
    await own_shop.http.patch(f"/v1/conversations/{place}", json={"phase": "taking"})
    assert await own_shop.rows("SELECT 1 FROM notes")
    assert await own_shop.rows("SELECT 1 FROM moves")

    await erasure.erase(own_shop.program.database, own_shop.program.settings.pharmacy_id, "p-gone", "test")

    assert [*await own_shop.rows("SELECT 1 FROM notes"), *await own_shop.rows("SELECT 1 FROM moves")] == []


async def test_a_conversations_moves_say_who_led_it_where(shop: Shop) -> None:
    place = new_id()
    outcome = await shop.say(place, "体調の相談です。提案へ")
    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 1})
    await shop.until(lambda: shop.rows("SELECT 1 FROM outbox WHERE conversation_id = :c AND state = 'sent'", c=place))
    await shop.http.patch(f"/v1/conversations/{place}", json={"phase": "taking", "category": "follow_up"})
    await shop.http.patch(f"/v1/conversations/{place}", json={"phase": "taking"})

    moves = (await shop.http.get(f"/v1/conversations/{place}/overview")).json()["moves"]

    said = [(move["what"], move["before"], move["after"], move["node"]) for move in moves]
    assert sorted(said[:2]) == [("category", "symptom_consultation", "follow_up", None),
                                ("phase", "proposal", "taking", None)]  # fmt: skip
    assert said[2:] == [("phase", "intake", "proposal", "switch_phase"),
                        ("category", None, "symptom_consultation", "classify")]  # fmt: skip
    assert [bool(move["actor"]) for move in moves] == [True, True, False, False]


async def test_a_phase_corrected_with_an_edit_is_the_persons_move(shop: Shop) -> None:
    place = new_id()
    outcome = await shop.say(place, "体調の相談です")
    edit = {"version": 1, "text": "承知しました。", "phase": "purchase"}
    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/edit", edit)
    await shop.until(lambda: shop.rows("SELECT 1 FROM outbox WHERE conversation_id = :c AND state = 'sent'", c=place))

    (move, _) = (await shop.http.get(f"/v1/conversations/{place}/overview")).json()["moves"]

    assert (move["before"], move["after"], move["node"]) == ("intake", "purchase", None)
    assert move["actor"].startswith("key:")


async def test_the_overview_tells_of_every_conversation_of_the_patient_and_of_no_other(shop: Shop) -> None:
    patient = {"id": new_id("p")}
    here, there = await _written(shop, patient=patient), new_id()
    await shop.say(there, "至急語です", patient=patient)
    await shop.say(new_id(), "至急語です")

    shown = (await shop.http.get(f"/v1/conversations/{here}/overview")).json()

    assert [(case["conversation_id"], case["tier"]) for case in shown["cases"]] == [(there, "U")]
    assert [contact["conversation_id"] for contact in shown["contacts"]] == [there, here]
    assert all(contact["patient_wrote_at"] and not contact["answered_at"] for contact in shown["contacts"])


async def test_a_reply_closes_the_case_that_it_answers(shop: Shop) -> None:
    place, case = await _case(shop)

    sent = await shop.post(f"/v1/conversations/{place}/messages", _reply(case))

    assert sent.status_code == 202
    (row,) = await shop.rows("SELECT state, resolved_by FROM handovers WHERE id = :h", h=case)
    assert (row.state, row.resolved_by[:4]) == ("resolved", "key:")
    told = await shop.rows("SELECT action FROM audit WHERE subject IN (:h, :c) ORDER BY seq", h=case, c=place)
    assert [row.action for row in told][-2:] == ["handover_resolved", "responded"]


async def test_nothing_is_sent_where_the_case_is_closed_already(shop: Shop) -> None:
    place, case = await _case(shop)
    await shop.post(f"/v1/handovers/{case}/resolve", {"version": 1})

    sent = await shop.post(f"/v1/conversations/{place}/messages", _reply(case))

    assert (sent.status_code, sent.json()["state"]) == (409, "resolved")
    assert await shop.rows("SELECT 1 FROM outbox WHERE conversation_id = :c", c=place) == []


async def test_the_case_stays_open_where_the_reply_cannot_go(shop: Shop) -> None:
    place, case = await _case(shop)
    await shop.say(place, "追記です", wait=None)

    sent = await shop.post(f"/v1/conversations/{place}/messages", _reply(case))

    assert sent.status_code == 409
    assert (await shop.conversation(place))["handover"]["id"] == case


async def test_a_reply_closes_no_case_of_another_conversation(shop: Shop) -> None:
    (place, _), (_, other) = await _case(shop), await _case(shop)

    sent = await shop.post(f"/v1/conversations/{place}/messages", _reply(other))

    assert sent.status_code == 404
    assert await shop.rows("SELECT 1 FROM outbox WHERE conversation_id = :c", c=place) == []
    (row,) = await shop.rows("SELECT state FROM handovers WHERE id = :h", h=other)
    assert row.state == "open"


async def test_a_repeated_reply_with_its_key_closes_and_sends_once(shop: Shop) -> None:
    (place, case), key = await _case(shop), {"Idempotency-Key": new_id("reply")}

    answers = [await shop.post(f"/v1/conversations/{place}/messages", _reply(case), headers=key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["outbox_id"] == answers[1].json()["outbox_id"]


@pytest.mark.parametrize("act", ["approve", "edit"])
async def test_a_draft_closes_the_case_that_it_answers_too(shop: Shop, act: str) -> None:
    place, case = await _case(shop)
    asked = await shop.post(f"/v1/conversations/{place}/suggestions", {}, params={"wait": 20})
    body = {"version": 1, "closes": case} | ({"text": "承知しました。"} if act == "edit" else {})

    sent = await shop.post(f"/v1/suggestions/{asked.json()['suggestion_id']}/{act}", body)

    assert sent.status_code == 200, sent.text
    assert (await shop.conversation(place))["handover"] is None


@pytest.mark.parametrize("away", [timedelta(0), timedelta(hours=-1), timedelta(days=70_000)])
async def test_a_snooze_until_a_time_that_is_past_or_never_comes_is_refused(shop: Shop, away: timedelta) -> None:
    place = await _written(shop)

    until = (datetime.now(UTC) + away).isoformat()
    answer = await shop.http.patch(f"/v1/conversations/{place}", json={"snoozed_until": until})

    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "snoozed_until"])
    assert (await shop.conversation(place))["snoozed_until"] is None


async def _written(shop: Shop, **more: Any) -> str:
    place = new_id()
    await shop.say(place, "相談です", **more)
    return place


async def _case(shop: Shop) -> tuple[str, str]:
    place = new_id()
    return place, (await shop.say(place, "人手語です"))["handover_id"]


def _reply(case: str) -> dict[str, Any]:
    return {"version": 1, "text": "薬剤師の田中です。", "closes": case}
