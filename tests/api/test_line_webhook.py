"""LINE's webhook: what becomes of each event, and what is answered to whom."""

from typing import Any

import pytest

from tests.api.line_shop import LineShop
from tests.fakes.line_server.events import body_of, event, message, new_event_id, new_message_id, new_user, now_ms, said

DAY_MS = 24 * 3_600_000


async def test_a_text_becomes_a_suggestion_and_its_approved_reply_is_pushed(line_shop: LineShop) -> None:
    user = new_user()

    answer = await line_shop.deliver(said(user, "体調の相談です"))

    await line_shop.approved(user)
    now = await line_shop.until_shown(user, lambda now: len(now["messages"]) == 2)
    assert (answer.status_code, answer.json()) == (200, {})
    assert line_shop.line.world.texts_to(user) == [now["messages"][1]["text"]]


async def test_a_conversations_id_says_nothing_of_the_user_id(line_shop: LineShop) -> None:
    user = new_user()

    await line_shop.deliver(said(user, "相談です"))

    shown = await line_shop.shown(user)
    assert user not in str(shown)
    assert (shown["channel"], shown["id"][:5]) == ("line", "line-")


async def test_an_emergency_is_with_a_person_before_line_is_answered(line_shop: LineShop) -> None:
    user = new_user()

    await line_shop.deliver(said(user, "緊急語です"))

    shown = await line_shop.shown(user)
    assert (shown["tier"], shown["handover"]["reason"]["code"]) == ("E", "triage")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param({"type": "sticker", "packageId": "1", "stickerId": "2"}, "〔スタンプ〕", id="sticker"),
        pytest.param({"type": "location", "title": "店", "address": "東京都", "latitude": 1e2},
                     "〔位置情報〕店 東京都", id="location"),
        pytest.param({"type": "hologram"}, "〔未対応の形式〕", id="unknown-message"),
        pytest.param({"type": "image", "contentProvider": {"type": "external", "originalContentUrl": "http://x"}},
                     "〔画像〕", id="image-elsewhere"),
    ],
)  # fmt: skip
async def test_what_is_no_text_comes_to_a_person(line_shop: LineShop, content: dict[str, Any], text: str) -> None:
    user = new_user()

    await line_shop.deliver(message(user, content))

    shown = await line_shop.until_shown(user, lambda now: now["handover"])
    assert (shown["messages"][0]["kind"], shown["messages"][0]["text"]) == ("media", text)
    assert shown["handover"]["reason"]["code"] == "non_text"


async def test_a_pressed_button_comes_to_a_person_and_its_data_does_nothing(line_shop: LineShop) -> None:
    user = new_user()

    await line_shop.deliver(event("postback", user, postback={"data": "action=approve&auto_send=true"}))

    shown = await line_shop.until_shown(user, lambda now: now["handover"])
    assert shown["messages"][0]["text"] == "〔ボタン〕action=approve&auto_send=true"
    assert shown["handover"]["reason"]["code"] == "postback"
    assert line_shop.line.world.texts_to(user) == []


@pytest.mark.parametrize(
    ("changed", "said_of_it"),
    [
        pytest.param({"mode": "standby"}, "mode", id="standby"),
        pytest.param({"source": {"type": "group", "groupId": "C1", "userId": new_user()}}, "source.type", id="group"),
        pytest.param({"source": {"type": "room", "roomId": "R1"}}, "source.type", id="room"),
        pytest.param({"source": {"type": "alien"}}, "source.type", id="unknown-source"),
        pytest.param({"source": {"type": "user"}}, "userId is missing", id="no-user"),
    ],
)
async def test_what_is_not_said_to_us_by_one_patient_is_kept_without_its_words(
    line_shop: LineShop, changed: dict[str, Any], said_of_it: str
) -> None:
    told = said(new_user(), "canary-in-a-group") | changed

    answer = await line_shop.deliver(told)

    (kept,) = [each for each in await line_shop.events("ignored") if each["event_id"] == told["webhookEventId"]]
    copies = await line_shop.shop.rows("SELECT 1 FROM line_events WHERE raw LIKE '%canary-in-a-group%'::bytea")
    assert answer.status_code == 200
    assert said_of_it in kept["said"]
    assert "user" in changed.get("source", {}).get("type", "") or not copies


@pytest.mark.parametrize(
    "kind",
    ["join", "leave", "memberJoined", "memberLeft", "videoPlayComplete", "beacon", "accountLink", "things", "module",
     "activated", "deactivated", "botSuspended", "botResumed", "membership", "delivery", "somethingNew"],
)  # fmt: skip
async def test_an_event_that_asks_for_nothing_is_kept_and_nobody_is_answered(line_shop: LineShop, kind: str) -> None:
    user = new_user()
    told = event(kind, user, **{kind: {"any": "thing"}})

    answer = await line_shop.deliver(told)

    assert answer.status_code == 200
    assert told["webhookEventId"] in [each["event_id"] for each in await line_shop.events("ignored")]
    assert await line_shop.conversation_of(user) is None


async def test_events_without_a_source_are_kept(line_shop: LineShop) -> None:
    told = event("activated", new_user(), chatControl={"expireAt": 1})
    del told["source"]

    answer = await line_shop.deliver(told)

    assert answer.status_code == 200
    assert told["webhookEventId"] in [each["event_id"] for each in await line_shop.events("ignored")]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"timestamp": -1}, id="time-before-1970"),
        pytest.param({"timestamp": 2**63}, id="time-of-64-bits"),
        pytest.param({"timestamp": 10**400}, id="time-of-400-digits"),
        pytest.param({"timestamp": "now"}, id="time-in-words"),
        pytest.param({"timestamp": True}, id="time-true"),
        pytest.param({"timestamp": float("nan")}, id="time-nan"),
        pytest.param({"timestamp": float("inf")}, id="time-infinite"),
        pytest.param({"type": 7}, id="type-a-number"),
        pytest.param({"type": "x" * 99}, id="type-too-long"),
        pytest.param({"source": "me"}, id="source-in-words"),
        pytest.param({"source": {"type": "user", "userId": "U" + "Z" * 32}}, id="user-not-hexadecimal"),
        pytest.param({"source": {"type": "user", "userId": "U123"}}, id="user-too-short"),
        pytest.param({"source": {"type": "user", "userId": ["U" + "a" * 32]}}, id="user-a-list"),
        pytest.param({"message": None}, id="no-message"),
        pytest.param({"message": {"type": "text", "id": "1"}}, id="text-without-words"),
        pytest.param({"message": {"type": "text", "id": "1", "text": ""}}, id="empty-text"),
        pytest.param({"message": {"type": "text", "id": "1", "text": "あ" * 10_001}}, id="text-too-long"),
        pytest.param({"message": {"type": "text", "id": "../../x", "text": "相談"}}, id="message-id-a-path"),
        pytest.param({"message": {"id": "1", "text": "相談"}}, id="message-without-a-type"),
    ],
)
async def test_one_odd_event_parks_itself_and_spoils_no_other(line_shop: LineShop, changed: dict[str, Any]) -> None:
    user = new_user()
    odd = said(new_user(), "相談です") | changed

    answer = await line_shop.deliver(said(user, "前です"), odd, said(user, "後です"))

    parked = await line_shop.events("parked")
    shown = await line_shop.shown(user)
    assert answer.status_code == 200
    assert [each["text"] for each in shown["messages"]] == ["前です", "後です"]
    assert all((parked[0]["raw"], parked[0]["said"]))


async def test_an_odd_event_of_a_known_patient_opens_a_case_once(line_shop: LineShop) -> None:
    user = new_user()
    await line_shop.deliver(said(user, "体調の相談です"))
    await line_shop.until_shown(user, lambda now: now["suggestion"])
    odd = said(user, "相談です") | {"timestamp": -1}

    await line_shop.deliver(odd)
    await line_shop.deliver(odd)

    shown = await line_shop.shown(user)
    assert [each["code"] for each in shown["handover"]["reasons"]] == ["event_unreadable"]


AGAIN = "ご用件をもう一度お書きください。"


async def test_an_odd_first_event_of_a_patient_opens_a_case_in_which_they_can_be_answered(line_shop: LineShop) -> None:
    user = new_user()
    odd = said(user, "相談です") | {"timestamp": -1}

    await line_shop.deliver(odd)
    await line_shop.deliver(odd)

    shown = await line_shop.shown(user)
    desk = await line_shop.shop.http.get("/v1/conversations", params={"tab": "person"})
    answer = await line_shop.shop.post(
        f"/v1/conversations/{shown['id']}/messages", {"version": shown["version"], "text": AGAIN}
    )
    assert ([each["code"] for each in shown["handover"]["reasons"]], shown["tier"]) == (["event_unreadable"], "U")
    assert shown["id"] in [row["id"] for row in desk.json()["items"]]
    assert answer.status_code == 202
    await line_shop.shop.until(lambda: _pushed(line_shop, user))


async def _pushed(line_shop: LineShop, user: str) -> bool:
    return line_shop.line.world.texts_to(user) == [AGAIN]


@pytest.mark.parametrize(
    ("plain", "odd"),
    [
        pytest.param(b'"mode"', b'"count": 12345678901234567890, "mode"', id="a-number-of-20-digits"),
        pytest.param(b'"mode"', b'"count": NaN, "mode"', id="nan"),
        pytest.param(b'"mode"', b'"count": {"a": 1, "a": 2}, "mode"', id="a-key-twice-within"),
        pytest.param(b'"mode"', b'"mode": "active", "mode"', id="a-key-twice"),
    ],
)
async def test_an_odd_value_loses_no_patient(line_shop: LineShop, plain: bytes, odd: bytes) -> None:
    user, told = new_user(), said(new_user(), "相談です")
    await line_shop.deliver(said(user, "体調の相談です"))
    await line_shop.until_shown(user, lambda now: now["suggestion"])
    told["source"]["userId"] = user

    answer = await line_shop.post(body_of(told).replace(plain, odd, 1))

    shown = await line_shop.shown(user)
    parked = [each["event_id"] for each in await line_shop.events("parked")]
    alarms = await line_shop.shop.rows("SELECT tier, category FROM alarms WHERE conversation_id = :c", c=shown["id"])
    assert answer.status_code == 200
    assert told["webhookEventId"] in parked
    assert (shown["tier"], shown["handover"]["reason"]["code"]) == ("U", "event_unreadable")
    assert [tuple(each) for each in alarms] == [("U", "event_unreadable")]


async def test_an_id_that_stands_twice_in_an_event_is_not_believed(line_shop: LineShop) -> None:
    told = said(new_user(), "相談です")
    twice = b'"webhookEventId": "01TWICE", "webhookEventId"'

    await line_shop.post(body_of(told).replace(b'"webhookEventId"', twice, 1))

    assert (await line_shop.events("parked"))[0]["event_id"].startswith("sha256-")


async def test_an_odd_event_of_a_group_is_nobodys_and_keeps_no_words(line_shop: LineShop) -> None:
    user = new_user()
    await line_shop.deliver(said(user, "体調の相談です"))
    told = said(user, "canary-of-an-odd-group") | {"timestamp": 10**19}
    told["source"] = {"type": "group", "groupId": "C1", "userId": user}

    await line_shop.deliver(told)

    kept = await line_shop.shop.rows(
        "SELECT user_id, raw FROM line_events WHERE event_id = :e", e=told["webhookEventId"]
    )
    assert [tuple(each) for each in kept] == [(None, None)]


@pytest.mark.parametrize("value", [1, "x", None, [], True, {}], ids=repr)
async def test_what_is_no_event_at_all_is_parked(line_shop: LineShop, value: Any) -> None:
    user = new_user()

    answer = await line_shop.deliver(value, said(user, "相談です"))

    assert answer.status_code == 200
    assert await line_shop.conversation_of(user) is not None


async def test_the_same_key_twice_in_one_event_parks_that_event(line_shop: LineShop) -> None:
    user, told = new_user(), said(new_user(), "相談です")
    doubled = body_of(told, said(user, "相談です")).replace(
        b'"type": "message"', b'"type": "message", "type": "follow"', 1
    )

    answer = await line_shop.post(doubled)

    assert answer.status_code == 200
    assert (await line_shop.events("parked"))[0]["said"] == "event: the same key twice"
    assert await line_shop.conversation_of(user) is not None


async def test_99_of_100_events_are_stored_and_the_malformed_one_is_parked(line_shop: LineShop) -> None:
    users = [new_user() for _ in range(99)]
    odd = said(new_user(), "相談です") | {"timestamp": "tomorrow"}
    before = await line_shop.shop.rows("SELECT count(*) FROM inbox WHERE channel = 'line'")

    answer = await line_shop.deliver(*[said(user, "相談です") for user in users[:50]], odd,
                                     *[said(user, "相談です") for user in users[50:]])  # fmt: skip

    after = await line_shop.shop.rows("SELECT count(*) FROM inbox WHERE channel = 'line'")
    parked = await line_shop.shop.rows("SELECT 1 FROM line_events WHERE event_id = :e", e=odd["webhookEventId"])
    assert answer.status_code == 200
    assert after[0][0] - before[0][0] == 99
    assert len(parked) == 1


@pytest.mark.parametrize("missing", ["webhookEventId", "deliveryContext", "replyToken", "mode"])
async def test_a_field_that_we_can_do_without_may_be_missing(line_shop: LineShop, missing: str) -> None:
    user = new_user()
    told = said(user, "相談です")
    del told[missing]

    await line_shop.deliver(told)
    await line_shop.deliver(told)

    assert len((await line_shop.shown(user))["messages"]) == 1


async def test_words_that_lie_about_their_offsets_are_read_as_words(line_shop: LineShop) -> None:
    user = new_user()
    content = {"type": "text", "text": "$相談", "emojis": [{"index": 10**9, "length": -5, "productId": "x"}],
               "mention": {"mentionees": [{"index": -1, "length": 10**9, "userId": "nobody"}]}}  # fmt: skip

    answer = await line_shop.deliver(message(user, content))

    assert answer.status_code == 200
    assert (await line_shop.shown(user))["messages"][0]["text"] == "$相談"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param('"\\ud800 相談です"', "\ufffd 相談です", id="lone-surrogate"),
        pytest.param('"相談\\u0000です"', "相談\ufffdです", id="nul"),
        pytest.param('"相談\\u202eです"', "相談\u202eです", id="right-to-left"),
        pytest.param('"' + "か" + "\u3099" * 1_000 + '"', "か" + "\u3099" * 1_000, id="1000-combining-marks"),
        pytest.param('"{{7*7}} {user} %s"', "{{7*7}} {user} %s", id="template-signs"),
    ],
)
async def test_odd_words_are_stored_and_their_bytes_kept(line_shop: LineShop, written: str, kept: str) -> None:
    user = new_user()
    told = said(user, "words-stand-here")
    raw = body_of(told).replace(b'"words-stand-here"', written.encode())

    answer = await line_shop.post(raw)

    (stored,) = await line_shop.shop.rows("SELECT raw FROM inbox WHERE event_id = :e", e=told["webhookEventId"])
    assert answer.status_code == 200
    assert (await line_shop.shown(user))["messages"][0]["text"] == kept
    assert written.encode() in bytes(stored.raw)
    assert bytes(stored.raw) in raw


async def test_the_same_words_under_a_new_event_are_a_second_message(line_shop: LineShop) -> None:
    user = new_user()
    first = said(user, "はい")
    second = first | {"webhookEventId": new_event_id()}

    await line_shop.deliver(first)
    await line_shop.deliver(second)

    assert [each["text"] for each in (await line_shop.shown(user))["messages"]] == ["はい", "はい"]


async def test_a_redelivered_event_of_yesterday_is_shown_and_comes_to_a_person(line_shop: LineShop) -> None:
    user = new_user()
    late = said(user, "体調の相談です", at=now_ms() - 26 * DAY_MS // 24, deliveryContext={"isRedelivery": True})

    await line_shop.deliver(late)

    shown = await line_shop.until_shown(user, lambda now: now["handover"])
    assert shown["messages"][0]["text"] == "体調の相談です"
    assert shown["handover"]["reason"]["code"] == "too_old"
    assert shown["suggestion"] is None
    assert line_shop.line.world.texts_to(user) == []


async def test_a_redelivered_event_of_just_now_is_drafted_and_held(line_shop: LineShop) -> None:
    user = new_user()

    await line_shop.deliver(said(user, "体調の相談です", deliveryContext={"isRedelivery": True}))

    shown = await line_shop.until_shown(user, lambda now: now["suggestion"])
    assert "redelivered" in shown["suggestion"]["held_for"]


async def test_a_patients_voice_is_not_lent_to_whoever_has_a_key(line_shop: LineShop) -> None:
    user = new_user()
    await line_shop.deliver(said(user, "相談です"))
    conversation_id = await line_shop.conversation_of(user)

    answer = await line_shop.shop.post("/v1/messages", {"conversation_id": conversation_id, "text": "偽です"})

    assert answer.status_code == 409
    assert len((await line_shop.shown(user))["messages"]) == 1


async def test_message_ids_are_no_way_into_another_patients_conversation(line_shop: LineShop) -> None:
    user, other = new_user(), new_user()
    told = message(user, {"type": "text", "text": "私のです", "id": (shared := new_message_id())})
    await line_shop.deliver(told)

    await line_shop.deliver(event("unsend", other, unsend={"messageId": shared}))

    assert (await line_shop.shown(user))["messages"][0]["text"] == "私のです"
