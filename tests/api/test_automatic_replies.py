"""A reply that goes out by itself: marked, held, cancelled, stopped, overtaken, and never lost on the way."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from pharmacy.settings import Settings
from pharmacy.storage import policy
from tests.api.answers import GOOD, by_words
from tests.api.automatic import CONSENT, known, let, replies, shipped_policy, waiting
from tests.api.shop import Shop, new_id, running
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.script import Asked
from tests.fakes.receiver import Receiver

HOLD = 1
QUESTION = "配送はいつですか"


def _in_other_words_each_time(asked: Asked) -> Any:
    answer = by_words(asked)
    return answer | {"reply": f"{GOOD}受付は{asked.number}番です。"} if "reply" in answer else answer


async def _state(shop: Shop, conversation_id: str) -> tuple[str, str | None]:
    """Return the newest automatic text's state and why."""
    found = await shop.rows(
        "SELECT state, problem FROM outbox WHERE automatic AND conversation_id = :c ORDER BY created_at DESC LIMIT 1",
        c=conversation_id,
    )
    return found[0].state, found[0].problem


async def _handed_back(shop: Shop, conversation_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        shown = await shop.conversation(conversation_id)
        return shown if shown["suggestion"] else None

    return await shop.until(look)


async def test_a_good_reply_goes_out_marked_and_is_on_record_as_automatic(own_shop: Shop) -> None:
    version, conversation_id = await let(own_shop), await known(own_shop)
    marking = (await shipped_policy(own_shop))["marking"]

    outcome = await own_shop.say(conversation_id, QUESTION)

    sent = (await replies(own_shop, conversation_id, 2))[1]
    assert (outcome["outcome"], outcome["reply_id"]) == ("auto_sent", sent["id"])
    assert outcome["reply"] == sent["text"] == f"{GOOD}\n\n{marking}"
    assert (sent["author"], sent["sent_by"]) == ("machine", f"policy:{version}")
    (row,) = await own_shop.rows("SELECT * FROM outbox WHERE automatic")
    assert (row.state, row.policy_version, row.recipient) == ("sent", version, conversation_id)
    told = {
        a.action: a.body
        for a in await own_shop.rows("SELECT action, body FROM audit WHERE body::text LIKE :h", h=f"%{row.text_hash}%")
    }
    assert told["automatic_queued"]["policy_version"] == version
    assert told["message_sent"]["automatic"] is True
    (written,) = await own_shop.rows(
        "SELECT body FROM audit WHERE action = 'outcome_written' AND body->>'outcome' = 'auto_sent'"
    )
    assert set(written.body["prompts"]) == {"classify", "switch_phase", "generate_order_delivery", "judge"}
    assert written.body["marks"]["safety"][0] == 5
    assert (written.body["gates"], written.body["held_for"]) == ([], [])


async def test_a_first_contact_or_a_patient_who_never_agreed_waits_for_a_person(own_shop: Shop) -> None:
    await let(own_shop)

    first = await own_shop.say(new_id(), QUESTION, patient=CONSENT)

    assert first["outcome"] == "suggestion"
    assert (await own_shop.suggestion(first["suggestion_id"]))["held_for"] == ["first_contact"]


async def test_a_held_reply_that_a_person_cancels_is_a_suggestion_again(own_shop: Shop) -> None:
    await let(own_shop, hold_seconds=600)
    conversation_id = await known(own_shop)
    await own_shop.say(conversation_id, QUESTION)
    held = await waiting(own_shop, conversation_id)
    path = f"/v1/conversations/{conversation_id}/automatic/{held['id']}/cancel"

    answer = await own_shop.post(path)
    again = await own_shop.post(path)

    shown = answer.json()["suggestion"]
    assert (answer.status_code, again.status_code) == (200, 409)
    assert (shown["state"], shown["text"], shown["held_for"]) == ("open", GOOD, ["cancelled"])
    approved = await own_shop.post(f"/v1/suggestions/{shown['id']}/approve", {"version": 2})
    assert approved.status_code == 200
    assert [m["author"] for m in await replies(own_shop, conversation_id, 2)] == ["pharmacist", "pharmacist"]


async def test_a_text_of_another_conversation_or_a_persons_own_cannot_be_cancelled(own_shop: Shop) -> None:
    await let(own_shop, hold_seconds=600)
    conversation_id, other = await known(own_shop), await known(own_shop)
    await own_shop.say(conversation_id, QUESTION)
    held = await waiting(own_shop, conversation_id)
    (persons,) = await own_shop.rows("SELECT id FROM outbox WHERE conversation_id = :c AND NOT automatic", c=other)

    answers = [
        await own_shop.post(f"/v1/conversations/{other}/automatic/{held['id']}/cancel"),
        await own_shop.post(f"/v1/conversations/{other}/automatic/{persons.id}/cancel"),
        await own_shop.foreign.post(f"/v1/conversations/{conversation_id}/automatic/{held['id']}/cancel"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


async def test_the_kill_switch_gives_what_is_held_back_to_people_and_drafting_goes_on(own_shop: Shop) -> None:
    await let(own_shop, hold_seconds=600)
    conversation_id = await known(own_shop)
    await own_shop.say(conversation_id, QUESTION)

    stopped = await own_shop.http.put("/v1/policy/kill-switch", json={"on": True})
    drafted = await own_shop.say(conversation_id, "配送の件です")

    assert stopped.json()["taken_back"] == 1
    assert drafted["outcome"] == "suggestion"
    assert (await own_shop.suggestion(drafted["suggestion_id"]))["held_for"] == ["kill_switch"]
    assert await _state(own_shop, conversation_id) == ("cancelled", "kill_switch")


async def test_a_reply_whose_hold_ends_after_the_switch_was_turned_does_not_go(own_shop: Shop) -> None:
    await let(own_shop, hold_seconds=HOLD)
    conversation_id = await known(own_shop)
    await own_shop.say(conversation_id, QUESTION)
    pharmacy_id = own_shop.program.settings.pharmacy_id

    async with own_shop.program.database.begin(pharmacy_id) as tx:  # as a process that dies right after would leave it
        await policy.turn(tx, pharmacy_id, "test", is_on=True, reason="")

    shown = await _handed_back(own_shop, conversation_id)
    assert shown["suggestion"]["held_for"] == ["kill_switch"]
    assert len(shown["messages"]) == 3


async def test_a_newer_message_takes_a_held_reply_back_and_one_reply_answers_both(own_shop: Shop) -> None:
    await let(own_shop, hold_seconds=HOLD)
    conversation_id = await known(own_shop)
    await own_shop.say(conversation_id, QUESTION)

    second = await own_shop.say(conversation_id, "配送先も変えたいです")

    sent = await replies(own_shop, conversation_id, 2)
    states = await own_shop.rows("SELECT version, state FROM outbox WHERE automatic ORDER BY version")
    outcomes = await own_shop.rows(
        "SELECT DISTINCT o.version FROM messages m JOIN outcomes o ON o.id = m.outcome_id WHERE m.version >= 2"
    )
    assert second["outcome"] == "auto_sent"
    assert [(row.version, row.state) for row in states] == [(2, "cancelled"), (3, "sent")]
    assert [row.version for row in outcomes] == [3]
    assert len(sent) == 2


async def test_an_emergency_during_the_hold_lets_nothing_out(own_shop: Shop) -> None:
    await let(own_shop, hold_seconds=HOLD)
    conversation_id = await known(own_shop)
    await own_shop.say(conversation_id, QUESTION)

    await own_shop.say(conversation_id, "緊急語です")

    async def cancelled() -> bool:
        return (await _state(own_shop, conversation_id))[0] == "cancelled"

    await own_shop.until(cancelled)
    shown = await own_shop.conversation(conversation_id)
    assert shown["handover"]["reason"]["tier"] == "E"
    assert [m["author"] for m in shown["messages"]] == ["patient", "pharmacist", "patient", "patient"]


async def test_a_pharmacist_who_answers_during_the_hold_is_not_answered_over(own_shop: Shop) -> None:
    await let(own_shop, hold_seconds=HOLD)
    conversation_id = await known(own_shop)
    await own_shop.say(conversation_id, QUESTION)

    await own_shop.post(f"/v1/conversations/{conversation_id}/messages", {"text": "明日届きます。", "version": 2})

    sent = await replies(own_shop, conversation_id, 2)
    assert [m["author"] for m in sent] == ["pharmacist", "pharmacist"]
    assert (await _state(own_shop, conversation_id))[0] == "cancelled"
    # Nothing went out by itself, and no record or count may say so.
    (row,) = await own_shop.rows(
        "SELECT o.kind, o.body->>'outcome' AS told, o.body->>'reply_id' AS reply_id, s.state FROM messages m "
        "JOIN outcomes o ON o.id = m.outcome_id JOIN suggestions s ON s.id = o.suggestion_id WHERE m.version = 2"
    )
    assert tuple(row) == ("suggestion", "suggestion", None, "superseded")


async def test_the_fourth_message_in_an_hour_waits_for_a_person(own_shop: Shop, fake: OpenAIFake) -> None:
    fake.script.rule = _in_other_words_each_time
    await let(own_shop)
    conversation_id = await known(own_shop)

    ends = []
    for number in range(4):
        ends.append((await own_shop.say(conversation_id, f"配送の質問{number}です"))["outcome"])
        await replies(own_shop, conversation_id, min(number + 2, 4))

    assert ends == ["auto_sent", "auto_sent", "auto_sent", "suggestion"]
    shown = (await own_shop.conversation(conversation_id))["suggestion"]
    over = {"code": "limit_per_patient_hour", "criterion": None, "reached": 3, "limit": 3}
    assert (shown["held_for"], shown["reached"]) == (["limit_per_patient_hour"], [over])


async def test_what_the_policy_turns_off_goes_to_a_person_without_a_draft(own_shop: Shop) -> None:
    await let(own_shop, modes={"order_delivery": {"intake": "off"}})

    outcome = await own_shop.say(new_id(), QUESTION)

    assert (outcome["outcome"], outcome["reason"]["code"], outcome["drafts"]) == ("handover", "off_by_policy", 0)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver("a shared secret") as receiving:
        yield receiving


@pytest.fixture
async def delivering(own_settings: Settings, fake: OpenAIFake, receiver: Receiver) -> AsyncIterator[Shop]:
    given = {"delivery_url": receiver.url, "delivery_secret": SecretStr(receiver.secret)}
    async with running(own_settings.model_copy(update=given)) as open_shop:
        yield open_shop


async def test_a_reply_in_doubt_is_not_tried_again_after_the_switch_was_turned(
    delivering: Shop, receiver: Receiver
) -> None:
    await let(delivering)
    conversation_id = await known(delivering)
    receiver.statuses += [500] * 3
    await delivering.say(conversation_id, QUESTION)

    async def tried() -> bool:
        return len(receiver.tried) >= 2

    await delivering.until(tried)
    await delivering.http.put("/v1/policy/kill-switch", json={"on": True})

    async def parked() -> bool:
        return (await _state(delivering, conversation_id))[0] == "parked"

    await delivering.until(parked)
    shown = await delivering.conversation(conversation_id)
    assert len(receiver.taken) == 1
    assert shown["handover"]["reason"]["code"] == "not_sent"
    assert "may have arrived" in shown["unsent"][0]["problem"]


async def test_a_reply_in_doubt_is_not_tried_again_once_a_newer_message_has_come(
    delivering: Shop, receiver: Receiver
) -> None:
    await let(delivering)
    conversation_id = await known(delivering)
    receiver.statuses += [503]
    receiver.retry_after = "2"
    before = len(receiver.tried)
    await delivering.say(conversation_id, QUESTION)

    async def tried() -> bool:
        return len(receiver.tried) > before

    await delivering.until(tried)
    await delivering.say(conversation_id, "やはり結構です", wait=None)

    async def parked() -> Any:
        return await delivering.rows("SELECT problem FROM outbox WHERE automatic AND version = 2 AND state = 'parked'")

    (row,) = await delivering.until(parked, 20)
    assert row.problem == "newer_message; it may have arrived"
    first = [row.retry_key for row in await delivering.rows("SELECT retry_key FROM outbox WHERE version = 2")]
    assert [receiver.tried.count(str(key)) for key in first] == [1]


async def test_a_reply_whose_policy_changed_during_the_hold_names_both_versions(own_shop: Shop) -> None:
    version = await let(own_shop, hold_seconds=HOLD)
    conversation_id = await known(own_shop)
    await own_shop.say(conversation_id, QUESTION)

    await let(own_shop, hold_seconds=600)

    shown = (await _handed_back(own_shop, conversation_id))["suggestion"]
    changed = {"code": "policy_changed", "criterion": None, "reached": version + 1, "limit": version}
    assert (shown["held_for"], shown["reached"]) == (["policy_changed"], [changed])
