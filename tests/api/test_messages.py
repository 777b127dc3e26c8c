"""POST /v1/messages: taken once, whatever happens to the delivery; its outcome can be waited for."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from pharmacy.settings import Settings
from server import metrics
from tests.api.answers import GOOD
from tests.api.shop import Shop, new_id, running


async def test_a_message_is_answered_with_the_outcome_when_it_is_ready_in_time(shop: Shop) -> None:
    conversation_id = new_id()

    answer = await shop.post(
        "/v1/messages", {"conversation_id": conversation_id, "text": "体調のことで相談です"}, params={"wait": 20}
    )

    body = answer.json()
    assert answer.status_code == 200
    assert (body["outcome"], body["conversation_id"], body["version"]) == ("suggestion", conversation_id, 1)
    assert (body["category"], body["phase"], body["drafts"]) == ("symptom_consultation", "intake", 1)
    assert body["reply"] == GOOD
    assert body["judgement"]["safety"] == {"mark": 5, "bar": 4, "reason": body["judgement"]["safety"]["reason"]}
    assert body["cost_usd"] > 0
    assert set(body["models"]) == {"classify", "switch_phase", "generate_symptom_consultation", "judge"}
    assert "reason" not in body


async def test_a_message_is_acknowledged_with_its_ids_once_it_is_stored(shop: Shop) -> None:
    conversation_id = new_id()

    answer = await shop.post(
        "/v1/messages", {"conversation_id": conversation_id, "text": "こんにちは", "message_id": conversation_id + "-m"}
    )

    assert answer.status_code == 202
    assert answer.json() == {"message_id": conversation_id + "-m", "conversation_id": conversation_id,
                             "patient_id": conversation_id, "version": 1}  # fmt: skip


async def test_waiting_no_time_answers_that_the_message_is_taken(own_settings: Settings) -> None:
    async with running(own_settings, work=False) as shop:
        started = time.monotonic()
        answer = await shop.post("/v1/messages", {"conversation_id": "c", "text": "こんにちは"}, params={"wait": 0.3})

    assert answer.status_code == 202
    assert 0.3 <= time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("words", "code", "tier"),
    [
        pytest.param("緊急語です", "triage", "E", id="emergency"),
        pytest.param("至急語です", "triage", "U", id="urgent"),
        pytest.param("人手語です", "triage", "H", id="human"),
        pytest.param("専任の方にお願いします", "pharmacist_only", None, id="pharmacist-only-category"),
        pytest.param("低評価になる相談です", "drafts_used_up", None, id="no-draft-clears-the-bars"),
        pytest.param("please answer in English only", "not_japanese", "H", id="not-japanese"),
    ],
)
async def test_what_a_machine_may_not_answer_is_handed_over_with_its_reason(
    shop: Shop, words: str, code: str, tier: str | None
) -> None:
    body = await shop.say(new_id(), words)

    assert body["outcome"] == "handover"
    assert (body["reason"]["code"], body["reason"].get("tier")) == (code, tier)
    assert "reply" not in body


async def test_the_same_message_id_again_is_the_same_message(shop: Shop) -> None:
    conversation_id, message_id = new_id(), new_id("m")
    first = await shop.say(conversation_id, "同じ文です", wait=None, message_id=message_id)

    again = await shop.say(conversation_id, "同じ文です", wait=None, message_id=message_id)

    assert again == first
    assert (await shop.conversation(conversation_id))["version"] == 1


async def test_the_same_message_id_with_another_text_or_conversation_is_refused(shop: Shop) -> None:
    conversation_id, message_id = new_id(), new_id("m")
    await shop.say(conversation_id, "はじめの文です", wait=None, message_id=message_id)

    other_text = await shop.post(
        "/v1/messages", {"conversation_id": conversation_id, "text": "ちがう文です", "message_id": message_id}
    )
    other_place = await shop.post(
        "/v1/messages", {"conversation_id": new_id(), "text": "はじめの文です", "message_id": message_id}
    )

    assert (other_text.status_code, other_place.status_code) == (409, 409)
    assert message_id in other_text.json()["detail"]


async def test_one_message_delivered_twenty_times_at_once_is_one_row_and_one_run(shop: Shop) -> None:
    conversation_id, message_id = new_id(), new_id("m")
    body = {"conversation_id": conversation_id, "text": "二十回とどきます", "message_id": message_id}

    answers = await asyncio.gather(*(shop.post("/v1/messages", body, params={"wait": 20}) for _ in range(20)))

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert len({answer.text for answer in answers if answer.status_code == 200}) == 1
    kept = await shop.rows(
        "SELECT id FROM messages WHERE conversation_id = :c AND author = 'patient'", c=conversation_id
    )
    runs = await shop.rows("SELECT id FROM runs WHERE conversation_id = :c", c=conversation_id)
    assert (len(kept), len(runs)) == (1, 1)


async def test_one_message_id_told_to_ten_conversations_at_once_is_taken_by_one(shop: Shop) -> None:
    message_id, places = new_id("m"), [new_id() for _ in range(10)]

    answers = await asyncio.gather(
        *(shop.post("/v1/messages", {"conversation_id": c, "text": "どこへ", "message_id": message_id}) for c in places)
    )

    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 9


async def test_the_same_text_under_another_id_is_another_message(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "はい、わかりました", wait=None)

    second = await shop.say(conversation_id, "はい、わかりました", wait=None)

    assert second["version"] == 2


async def test_the_same_idempotency_key_takes_a_request_once(shop: Shop) -> None:
    body, key = {"conversation_id": new_id(), "text": "鍵つきです"}, {"Idempotency-Key": new_id("key")}
    first = await shop.post("/v1/messages", body, headers=key)

    again = await shop.post("/v1/messages", body, headers=key)

    assert again.json() == first.json()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"text": "ちがう文です"}, id="other-text"),
        pytest.param({"conversation_id": "another-conversation"}, id="other-conversation"),
        pytest.param({"message_id": "another-message"}, id="other-message-id"),
        pytest.param({"patient": {"id": "another-patient"}}, id="other-patient"),
    ],
)
async def test_an_idempotency_key_used_for_another_request_is_refused(shop: Shop, change: dict) -> None:
    body, key = {"conversation_id": new_id(), "text": "鍵つきです"}, {"Idempotency-Key": new_id("key")}
    await shop.post("/v1/messages", body, headers=key)

    other = await shop.post("/v1/messages", body | change, headers=key)

    assert other.status_code == 409
    assert "Idempotency-Key" in other.json()["detail"]


async def test_one_idempotency_key_used_by_ten_conversations_at_once_takes_one(shop: Shop) -> None:
    key, places = {"Idempotency-Key": new_id("key")}, [new_id() for _ in range(10)]

    answers = await asyncio.gather(
        *(shop.post("/v1/messages", {"conversation_id": c, "text": "同時です"}, headers=key) for c in places)
    )

    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 9


@pytest.mark.parametrize("key", [pytest.param("", id="empty"), pytest.param("k" * 256, id="256-characters")])
async def test_an_idempotency_key_has_1_to_255_characters(shop: Shop, key: str) -> None:
    answer = await shop.post(
        "/v1/messages", {"conversation_id": new_id(), "text": "鍵"}, headers={"Idempotency-Key": key}
    )

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["header", "idempotency-key"]


async def test_an_idempotency_key_belongs_to_its_caller(shop: Shop) -> None:
    key = {"Idempotency-Key": new_id("key")}
    await shop.post("/v1/messages", {"conversation_id": new_id(), "text": "わたしの鍵"}, headers=key)

    answer = await shop.foreign.post("/v1/messages", json={"conversation_id": "f", "text": "ほかの薬局"}, headers=key)

    assert answer.status_code == 202


async def test_a_conversation_belongs_to_one_patient(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "わたしです", wait=None, patient={"id": "p-one"})

    other = await shop.post(
        "/v1/messages", {"conversation_id": conversation_id, "text": "べつの人です", "patient": {"id": "p-two"}}
    )

    assert other.status_code == 409


async def test_what_a_message_says_of_its_patient_is_kept_and_the_rest_stays(shop: Shop) -> None:
    conversation_id, patient_id = new_id(), new_id("p")
    await shop.say(conversation_id, "一つ目", wait=None, patient={"id": patient_id, "name": "山田", "birth_year": 1980})

    await shop.say(conversation_id, "二つ目", wait=None, patient={"id": patient_id, "allergies": ["卵"]})

    patient = (await shop.http.get(f"/v1/patients/{patient_id}")).json()
    assert (patient["name"], patient["birth_year"], patient["allergies"]) == ("山田", 1980, ["卵"])


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        pytest.param({"consent": {"training": True}}, {"replies": False, "training": True}, id="another-consent"),
        pytest.param({"consent": {}}, {"replies": False, "training": None}, id="an-empty-consent"),
        pytest.param({"allergies": []}, {"replies": False, "training": None}, id="no-consent"),
        pytest.param({"consent": {"replies": True}}, {"replies": True, "training": None}, id="the-same-consent"),
    ],
)
async def test_a_refusal_of_consent_stays_until_the_patient_says_otherwise(shop: Shop, told: dict, kept: dict) -> None:
    conversation_id, patient_id = new_id(), new_id("p")
    refusal = {"id": patient_id, "consent": {"replies": False}}
    await shop.say(conversation_id, "一つ目", wait=None, patient=refusal)

    await shop.say(conversation_id, "二つ目", wait=None, patient={"id": patient_id, **told})

    consent = (await shop.http.get(f"/v1/patients/{patient_id}")).json()["consent"]
    assert consent == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("conversation_id", "", id="empty-id"),
        pytest.param("conversation_id", "a/b", id="slash-in-id"),
        pytest.param("conversation_id", 7, id="number-as-id"),
        pytest.param("text", "", id="empty-text"),
        pytest.param("text", "あ" * 10_001, id="too-long"),
        pytest.param("text", ["a"], id="list-as-text"),
        pytest.param("text", None, id="null-text"),
        pytest.param("sent_at", "yesterday", id="no-time"),
        pytest.param("sent_at", "2026-01-01T00:00:00", id="time-without-offset"),
        pytest.param("sent_at", "2999-01-01T00:00:00Z", id="time-to-come"),
        pytest.param("sent_at", -1, id="negative-time"),
        pytest.param("sent_at", 2**63, id="huge-time"),
        pytest.param("sent_at", "0001-01-01T00:00:00+23:59", id="time-before-the-first-year-in-utc"),
        pytest.param("auto_send", True, id="mass-assignment"),
        pytest.param("approved_by", "me", id="mass-assignment-of-approver"),
        pytest.param("pharmacy_id", "elsewhere", id="mass-assignment-of-tenant"),
    ],
)
async def test_a_field_that_does_not_fit_is_named_with_its_value_and_what_was_expected(
    shop: Shop, field: str, value: object
) -> None:
    answer = await shop.post("/v1/messages", {"conversation_id": "c", "text": "t", field: value})

    (entry,) = answer.json()["detail"]
    assert answer.status_code == 422
    assert entry["loc"][:2] == ["body", field]
    assert entry["msg"]
    assert "input" in entry


async def test_a_time_is_the_same_moment_under_every_offset_that_can_be_written(shop: Shop) -> None:
    conversation_id = new_id()

    await shop.say(conversation_id, "一つ目", sent_at="2026-01-02T03:00:00+23:59", wait=None)

    (message,) = (await shop.conversation(conversation_id))["messages"]
    assert datetime.fromisoformat(message["sent_at"]) == datetime(2026, 1, 1, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("wait", ["-1", "61", "NaN", "inf", "soon", ""])
async def test_a_wait_outside_0_to_60_seconds_is_refused(shop: Shop, wait: str) -> None:
    answer = await shop.post("/v1/messages", {"conversation_id": "c", "text": "t"}, params={"wait": wait})

    assert answer.status_code == 422


async def test_an_emergency_raises_an_alarm_once_it_is_stored(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    conversation_id, message_id = new_id(), new_id("m")

    await shop.say(conversation_id, "緊急語です", message_id=message_id)
    await shop.say(conversation_id, "緊急語です", message_id=message_id)

    alarms = [record for record in caplog.records if record.message.startswith("emergency_handed_over")]
    assert [record.levelname for record in alarms] == ["ERROR"]
    assert alarms[0].message == f"emergency_handed_over conversation={conversation_id} version=1"


async def test_open_emergencies_are_counted_until_a_person_closes_them(own_shop: Shop) -> None:
    async def counted() -> list[str]:
        await metrics.read_queues(own_shop.program)  # /metrics by itself may be some seconds old
        lines = (await own_shop.stranger.get("/metrics")).text.splitlines()
        return [line.rsplit(" ", 1)[1] for line in lines if line.startswith('kakari_open_cases{tier="E"}')]

    before = await counted()
    case = await own_shop.say("c", "緊急語です")
    waiting = await counted()
    await own_shop.post(f"/v1/handovers/{case['handover_id']}/resolve", {"version": 1})

    assert (before, waiting, await counted()) == (["0.0"], ["1.0"], ["0.0"])
