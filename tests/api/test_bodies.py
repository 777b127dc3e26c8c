"""Bodies and words that mean no good: taken byte-exact, refused in words, never a fault of the server."""

import json

import pytest

from tests.api.shop import Shop, new_id

WORDS = [
    pytest.param('"\\ud800 相談です"', "\ufffd 相談です", id="lone-surrogate"),
    pytest.param('"相談\\u0000です"', "相談\ufffdです", id="nul"),
    pytest.param('"相談\\u202eです\\u2066"', "相談\u202eです\u2066", id="right-to-left"),
    pytest.param('"相\\u200b談\\u2060です"', "相\u200b談\u2060です", id="zero-width"),
    pytest.param(json.dumps("相談\U000e0041です", ensure_ascii=True), "相談\U000e0041です", id="tag-block"),
    pytest.param(json.dumps("あ" * 5_000), "あ" * 5_000, id="5000-characters"),
    pytest.param(json.dumps("👨‍👩‍👧" * 700), "👨‍👩‍👧" * 700, id="joined-emoji"),
    pytest.param(json.dumps("か" + "\u3099" * 1_000), "か" + "\u3099" * 1_000, id="1000-combining-marks"),
    pytest.param(json.dumps("相談\r\n\x1b[31m赤"), "相談\r\n\x1b[31m赤", id="ansi-escape"),
    pytest.param(json.dumps('{"lc":1,"type":"secret"}'), '{"lc":1,"type":"secret"}', id="serialised-object"),
    pytest.param(json.dumps("{{7*7}} {user} %s"), "{{7*7}} {user} %s", id="template-signs"),
    pytest.param('"   "', "   ", id="only-spaces"),
    pytest.param('"\\n"', "\n", id="only-a-newline"),
]


@pytest.mark.parametrize(("written", "kept"), WORDS)
async def test_odd_words_are_stored_and_come_to_an_outcome(shop: Shop, written: str, kept: str) -> None:
    conversation_id = new_id()
    raw = f'{{"conversation_id": "{conversation_id}", "text": {written}}}'.encode()

    answer = await shop.http.post(
        "/v1/messages", content=raw, headers={"Content-Type": "application/json"}, params={"wait": 20}
    )

    shown = await shop.conversation(conversation_id)
    (stored,) = await shop.rows(
        "SELECT i.raw FROM inbox i JOIN messages m ON m.id = i.message_id WHERE m.conversation_id = :c",
        c=conversation_id,
    )
    assert answer.status_code == 200, answer.text
    assert shown["messages"][0]["text"] == kept
    assert bytes(stored.raw) == raw


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(b"", 422, id="nothing"),
        pytest.param(b"{", 422, id="broken"),
        pytest.param(b"[]", 422, id="list"),
        pytest.param(b"1", 422, id="number"),
        pytest.param(b'"x"', 422, id="string"),
        pytest.param(b"null", 422, id="null"),
        pytest.param(b"\xff\xfe\x00", 400, id="no-encoding"),
        pytest.param(b"[" * 100_000, 400, id="100000-deep"),
        pytest.param(b'{"text":' + b"[" * 900 + b"]" * 900 + b"}", 422, id="900-deep-value"),
        pytest.param(b'{"conversation_id":"c","text":' + b"9" * 400 + b"}", 422, id="400-digits"),
        pytest.param(b'{"conversation_id":"c","text":' + b"9" * 5_000 + b"}", 400, id="5000-digits"),
        pytest.param(b'{"conversation_id":"c","text":NaN}', 422, id="nan"),
        pytest.param(b'{"conversation_id":"c","text":1e999}', 422, id="infinite"),
        pytest.param(b'{"conversation_id":"\\ud800","text":"t"}', 422, id="surrogate-in-an-id"),
        pytest.param(b'{"conversation_id":"c","text":"t","\\ud800":1}', 422, id="surrogate-as-a-field"),
        pytest.param(b'{"conversation_id":"c\\u0000","text":"t"}', 422, id="nul-in-an-id"),
    ],
)
async def test_a_body_that_is_no_message_is_refused_in_words(shop: Shop, raw: bytes, status: int) -> None:
    answer = await shop.http.post("/v1/messages", content=raw, headers={"Content-Type": "application/json"})

    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
async def test_a_body_of_another_type_is_refused(shop: Shop, kind: str) -> None:
    answer = await shop.http.post(
        "/v1/messages", content=b'{"conversation_id":"c","text":"t"}', headers={"Content-Type": kind}
    )

    assert answer.status_code == 422


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_one_megabyte_is_refused(shop: Shop, chunked: bool) -> None:
    body = b'{"conversation_id":"c","text":"' + b"a" * 1_000_001 + b'"}'

    async def pieces():
        for at in range(0, len(body), 65_536):
            yield body[at : at + 65_536]

    answer = await shop.http.post(
        "/v1/messages", content=pieces() if chunked else body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 413


async def test_thousands_of_query_keys_are_refused(shop: Shop) -> None:
    query = "&".join(f"k{number}=1" for number in range(8_000))

    answer = await shop.http.get(f"/v1/handovers?limit=1&{query}")

    assert answer.status_code in (400, 414, 422, 431)
