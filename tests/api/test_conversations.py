"""Conversations: listed, read, held, corrected, answered in person."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.shop import Shop, new_id


async def _of_patient(shop: Shop, count: int) -> tuple[str, list[str]]:
    patient_id, places = new_id("p"), [new_id() for _ in range(count)]
    for place in places:
        await shop.say(place, "相談です", wait=None, patient={"id": patient_id})
    return patient_id, places


async def test_a_conversation_shows_its_messages_phase_version_and_open_items(shop: Shop) -> None:
    conversation_id = new_id()
    outcome = await shop.say(conversation_id, "体調の相談です", message_id=conversation_id + "-m")

    shown = await shop.conversation(conversation_id)

    assert (shown["version"], shown["phase"], shown["category"]) == (1, "intake", "symptom_consultation")
    assert [(m["id"], m["author"], m["answered"]) for m in shown["messages"]] == [
        (conversation_id + "-m", "patient", True)
    ]
    assert shown["suggestion"]["id"] == outcome["suggestion_id"]
    assert (shown["handover"], shown["run"], shown["unsent"]) == (None, None, [])


async def test_pages_hold_every_row_once_while_rows_are_added(shop: Shop) -> None:
    patient_id, places = await _of_patient(shop, 7)
    seen, after = [], None

    for _ in range(4):
        query = {"patient_id": patient_id, "limit": 2} | ({"after": after} if after else {})
        read = (await shop.http.get("/v1/conversations", params=query)).json()
        seen += [item["id"] for item in read["items"]]
        await shop.say(new_id(), "割り込みです", wait=None, patient={"id": patient_id})
        after = read["next"]

    assert seen == places[::-1]
    assert after is None


async def test_messages_are_paged_oldest_first_while_more_arrive(shop: Shop) -> None:
    conversation_id = new_id()
    for number in range(3):
        await shop.say(conversation_id, f"{number}件目", wait=None)
    path = f"/v1/conversations/{conversation_id}/messages"
    first = (await shop.http.get(path, params={"limit": 2})).json()
    await shop.say(conversation_id, "3件目", wait=None)

    rest = (await shop.http.get(path, params={"limit": 2, "after": first["next"]})).json()

    assert [message["text"] for message in first["items"] + rest["items"]] == ["0件目", "1件目", "2件目", "3件目"]
    assert rest["next"] is None


@pytest.mark.parametrize("path", ["/v1/conversations", "/v1/suggestions", "/v1/handovers"])
@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"after": "!!!"}, id="no-base64"),
        pytest.param({"after": "W10"}, id="empty-list"),
        pytest.param({"after": "WyJcdWQ4MDAiXQ"}, id="lone-surrogate"),
        pytest.param({"after": "WzFlNDAwLDFd"}, id="huge-number"),
        pytest.param({"after": "WzE4NDQ2NzQ0MDczNzA5NTUxNjE2LDE4NDQ2NzQ0MDczNzA5NTUxNjE2XQ"}, id="beyond-64-bits"),
        pytest.param({"after": "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwiYSJd"}, id="time-without-offset"),
        pytest.param({"after": "WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsIlx1ZDgwMCJd"}, id="time-and-surrogate"),
        pytest.param({"after": "a" * 501}, id="too-long"),
        pytest.param({"limit": "0"}, id="limit-0"),
        pytest.param({"limit": "-1"}, id="limit-negative"),
        pytest.param({"limit": "201"}, id="limit-too-large"),
        pytest.param({"limit": "1.5"}, id="limit-with-a-fraction"),
        pytest.param({"limit": "null"}, id="limit-null"),
    ],
)
async def test_a_cursor_or_limit_that_was_never_given_out_is_refused(shop: Shop, path: str, query: dict) -> None:
    answer = await shop.http.get(path, params=query)

    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"][0] == "query"


@pytest.mark.parametrize(
    ("words", "waiting"),
    [
        pytest.param("体調の相談です", "suggestion", id="suggestion"),
        pytest.param("人手語です", "handover", id="handover"),
    ],
)
async def test_conversations_are_found_by_what_waits_in_them(shop: Shop, words: str, waiting: str) -> None:
    patient_id, place = new_id("p"), new_id()
    await shop.say(place, words, patient={"id": patient_id})
    found: dict[str, list[str]] = {}

    for kind in ("suggestion", "handover", "taken_over", "nothing"):
        query = {"patient_id": patient_id, "waiting": kind}
        found[kind] = [item["id"] for item in (await shop.http.get("/v1/conversations", params=query)).json()["items"]]

    assert {kind: places for kind, places in found.items() if places} == {waiting: [place]}


async def test_conversations_are_found_by_phase_and_category(shop: Shop) -> None:
    patient_id, place = new_id("p"), new_id()
    await shop.say(place, "配送の相談です", patient={"id": patient_id})
    asked = {"patient_id": patient_id, "phase": "intake", "category": "order_delivery"}

    right = await shop.http.get("/v1/conversations", params=asked)
    wrong = await shop.http.get("/v1/conversations", params=asked | {"phase": "taking"})

    assert [item["id"] for item in right.json()["items"]] == [place]
    assert wrong.json() == {"items": [], "next": None}


@pytest.mark.parametrize("key", ["sort", "pharmacy_id", "filter[role]"])
async def test_a_filter_or_sort_key_that_nobody_knows_is_refused(shop: Shop, key: str) -> None:
    answer = await shop.http.get("/v1/conversations", params={key: "elsewhere"})

    assert answer.status_code == 422
    assert key in answer.text


async def test_the_pharmacists_own_reply_is_sent_and_ends_the_open_draft(shop: Shop) -> None:
    conversation_id = new_id()
    outcome = await shop.say(conversation_id, "提案へ進みたい相談です")

    answer = await shop.post(
        f"/v1/conversations/{conversation_id}/messages", {"text": "薬剤師の田中です。", "version": 1}
    )

    async def sent() -> dict | None:
        shown = await shop.conversation(conversation_id)
        return shown if shown["messages"][-1]["author"] == "pharmacist" else None

    shown = await shop.until(sent)
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert (shown["messages"][-1]["text"], shown["phase"]) == ("薬剤師の田中です。", "intake")
    assert (await shop.suggestion(outcome["suggestion_id"]))["state"] == "superseded"


async def test_the_pharmacists_own_reply_to_an_old_version_is_refused_with_the_newer_messages(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "一つ目", wait=None)
    await shop.say(conversation_id, "二つ目", wait=None)

    answer = await shop.post(f"/v1/conversations/{conversation_id}/messages", {"text": "返事です。", "version": 1})

    assert answer.status_code == 409
    assert [message["text"] for message in answer.json()["newer_messages"]] == ["二つ目"]


async def test_the_pharmacists_own_claim_needs_a_reason(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "相談です")
    path, reply = f"/v1/conversations/{conversation_id}/messages", {"text": "必ず治ります。", "version": 1}

    without, within = await shop.post(path, reply), await shop.post(path, reply | {"reason": "引用です"})

    assert (without.status_code, without.json()["detail"][0]["loc"]) == (422, ["body", "reason"])
    assert within.status_code == 202


async def test_messages_of_a_conversation_taken_over_go_to_its_pharmacist_until_it_is_given_back(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "相談です")
    held = await shop.post(f"/v1/conversations/{conversation_id}/take-over")

    during = await shop.say(conversation_id, "つづきの相談です")
    given = await shop.post(f"/v1/conversations/{conversation_id}/give-back")
    afterwards = await shop.say(conversation_id, "また相談です")

    assert held.json()["taken_over_by"].startswith("key:")
    assert (during["outcome"], during["reason"]["code"]) == ("handover", "taken_over")
    assert (given.json()["taken_over_by"], given.json()["claimed_by"]) == (None, None)
    assert afterwards["outcome"] == "suggestion"


async def test_a_claim_names_who_looks_after_a_conversation(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "相談です", wait=None)

    answer = await shop.post(f"/v1/conversations/{conversation_id}/claim")

    assert answer.json()["claimed_by"].startswith("key:")
    assert answer.json()["taken_over_by"] is None


async def test_phase_category_and_snooze_are_corrected_by_hand(shop: Shop) -> None:
    conversation_id, later = new_id(), (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    await shop.say(conversation_id, "相談です")
    change = {"phase": "taking", "category": "follow_up", "snoozed_until": later}

    shown = (await shop.http.patch(f"/v1/conversations/{conversation_id}", json=change)).json()
    cleared = (await shop.http.patch(f"/v1/conversations/{conversation_id}", json={"snoozed_until": None})).json()

    assert (shown["phase"], shown["category"]) == ("taking", "follow_up")
    assert datetime.fromisoformat(shown["snoozed_until"]) == datetime.fromisoformat(later)
    assert (cleared["snoozed_until"], cleared["phase"]) == (None, "taking")


async def test_a_snooze_ends_with_the_patients_next_message(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "相談です", wait=None)
    await shop.http.patch(f"/v1/conversations/{conversation_id}", json={"snoozed_until": "2099-01-01T00:00:00Z"})

    await shop.say(conversation_id, "つづきです", wait=None)

    assert (await shop.conversation(conversation_id))["snoozed_until"] is None


async def test_a_category_set_by_hand_is_kept_over_the_flows_and_asked_for(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "相談です")
    await shop.http.patch(f"/v1/conversations/{conversation_id}", json={"category": "follow_up"})

    asked = await shop.post(f"/v1/conversations/{conversation_id}/suggestions", {}, params={"wait": 20})
    await shop.say(conversation_id, "べつの相談です")

    assert asked.json()["category"] == "follow_up"
    assert (await shop.conversation(conversation_id))["category"] == "follow_up"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"phase": "heaven"}, id="unknown-phase"),
        pytest.param({"phase": None}, id="no-phase"),
        pytest.param({"category": "refund"}, id="unknown-category"),
        pytest.param({"snoozed_until": "tomorrow"}, id="no-time"),
        pytest.param({"version": 9}, id="mass-assignment-of-the-version"),
        pytest.param({"taken_over_by": None}, id="mass-assignment-of-the-holder"),
    ],
)
async def test_a_correction_that_cannot_be_is_refused(shop: Shop, change: dict) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "相談です", wait=None)

    answer = await shop.http.patch(f"/v1/conversations/{conversation_id}", json=change)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", next(iter(change))]


@pytest.mark.parametrize("words", ["至急語です", "人手語です"])
async def test_a_pharmacist_gets_a_draft_inside_a_handover_on_request(shop: Shop, words: str) -> None:
    conversation_id = new_id()
    case = await shop.say(conversation_id, words)

    asked = await shop.post(f"/v1/conversations/{conversation_id}/suggestions", {}, params={"wait": 20})

    shown = await shop.conversation(conversation_id)
    assert (case["outcome"], asked.json()["outcome"]) == ("handover", "suggestion")
    assert shown["suggestion"]["requested"] is True
    assert shown["handover"]["id"] == case["handover_id"]


async def test_an_emergency_gives_no_draft_on_request_either(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "緊急語です")

    asked = await shop.post(f"/v1/conversations/{conversation_id}/suggestions", {}, params={"wait": 20})

    assert (asked.status_code, asked.json()["outcome"], asked.json()["reason"]["tier"]) == (200, "handover", "E")
    assert (await shop.conversation(conversation_id))["suggestion"] is None


async def test_a_request_without_waiting_is_acknowledged(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "相談です")

    asked = await shop.http.post(f"/v1/conversations/{conversation_id}/suggestions")

    assert asked.status_code == 202
    assert asked.json()["conversation_id"] == conversation_id


async def test_the_pharmacists_own_reply_repeated_under_its_key_is_sent_once(shop: Shop) -> None:
    conversation_id, key = new_id(), {"Idempotency-Key": new_id("reply")}
    await shop.say(conversation_id, "相談です")
    path, reply = f"/v1/conversations/{conversation_id}/messages", {"text": "薬剤師の田中です。", "version": 1}
    first = await shop.post(path, reply, headers=key)
    await shop.say(conversation_id, "もう一つ相談です", wait=None)

    again = await shop.post(path, reply, headers=key)
    other = await shop.post(path, reply | {"text": "べつの返事です。"}, headers=key)

    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 409)
    assert again.json()["outbox_id"] == first.json()["outbox_id"]
    assert len(await shop.rows("SELECT id FROM outbox WHERE conversation_id = :c", c=conversation_id)) == 1


async def test_the_same_words_for_the_same_version_without_a_key_are_refused(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "相談です")
    path, reply = f"/v1/conversations/{conversation_id}/messages", {"text": "薬剤師の田中です。", "version": 1}
    await shop.post(path, reply)

    again = await shop.post(path, reply)
    more = await shop.post(path, reply | {"text": "書き忘れました。明日お送りします。"})

    assert (again.status_code, more.status_code) == (409, 202)
    assert again.json()["state"] in {"queued", "sent"}
    assert len(await shop.rows("SELECT id FROM outbox WHERE conversation_id = :c", c=conversation_id)) == 2
