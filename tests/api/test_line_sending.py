"""Replies over LINE: pushed once under one retry key, whatever LINE answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.line_shop import LineShop
from tests.fakes.line_server import faults
from tests.fakes.line_server.events import new_user, said


@pytest.fixture
def sending(line_shop: LineShop) -> Iterator[LineShop]:
    """Give the shared pharmacy, with a LINE that the test may spoil."""
    token = line_shop.line.world.token
    yield line_shop
    line_shop.line.faults.waiting.clear()
    line_shop.line.faults.always = None
    line_shop.line.world.token = token


async def _settled(shop: LineShop) -> tuple[str, dict[str, Any]]:
    """Approve a reply to a new patient and wait until it is sent or parked; return user and conversation."""
    user = new_user()
    await shop.deliver(said(user, "体調の相談です"))
    await shop.approved(user)

    def done(now: dict[str, Any]) -> bool:
        return len(now["messages"]) == 2 or any(text["state"] == "parked" for text in now["unsent"])

    return user, await shop.until_shown(user, done, 30)


@pytest.mark.parametrize(
    ("befalls", "asked"),
    [
        pytest.param([faults.status(500)], 2, id="500-then-200"),
        pytest.param([faults.status(500, accepts=True)], 2, id="500-after-acceptance-then-409"),
        pytest.param([faults.reset(accepts=True)], 2, id="reset-after-acceptance-then-409"),
        pytest.param([faults.reset()], 2, id="reset-then-200"),
        pytest.param([faults.status(429, headers={"retry-after": "1"})], 2, id="429-then-200"),
        pytest.param([faults.status(503), faults.status(408), faults.status(502)], 4, id="503-408-502-then-200"),
    ],
)
async def test_a_push_is_made_again_under_its_key_and_arrives_once(
    sending: LineShop, befalls: list[faults.Fault], asked: int
) -> None:
    sending.line.faults.waiting += befalls

    user, now = await _settled(sending)

    world = sending.line.world
    keys = {each.headers.get("x-line-retry-key") for each in world.pushes(user)}
    assert len(world.pushes(user)) == asked
    assert len(keys) == 1
    assert world.texts_to(user) == [now["messages"][1]["text"]]


async def test_a_409_is_sent(sending: LineShop) -> None:
    sending.line.faults.waiting.append(faults.status(409, headers={"x-line-accepted-request-id": "request-1"}))

    user, now = await _settled(sending)

    assert len(sending.line.world.pushes(user)) == 1
    assert [message["author"] for message in now["messages"]] == ["patient", "pharmacist"]


@pytest.mark.parametrize(
    ("befalls", "words"),
    [
        pytest.param(faults.status(400), "refuses the text or no longer knows the patient", id="400"),
        pytest.param(faults.status(401), "access token", id="401"),
        pytest.param(faults.status(403), "does not let this account send", id="403"),
        pytest.param(faults.status(404), "does not find the patient", id="404"),
        pytest.param(faults.status(429, said="You have reached your monthly limit."), "quota", id="monthly-quota"),
        pytest.param(faults.status(302, headers={"location": "http://127.0.0.1:1/"}), "302", id="redirect"),
    ],
)
async def test_a_push_that_line_refuses_is_parked_at_once_and_says_why(
    sending: LineShop, befalls: faults.Fault, words: str
) -> None:
    sending.line.faults.always = befalls

    user, now = await _settled(sending)

    assert len(sending.line.world.pushes(user)) == 1
    assert words in now["unsent"][0]["problem"]
    assert now["handover"]["reason"]["code"] == "not_sent"
    assert sending.line.world.texts_to(user) == []


async def test_the_stand_in_refuses_the_wrong_token(sending: LineShop) -> None:
    sending.line.world.token = "renewed"

    _, now = await _settled(sending)

    assert "LINE_CHANNEL_ACCESS_TOKEN" in now["unsent"][0]["problem"]


async def test_a_key_older_than_23_hours_is_parked_and_never_used_again(sending: LineShop) -> None:
    sending.line.faults.always = faults.status(503)
    user = new_user()
    await sending.deliver(said(user, "体調の相談です"))
    await sending.approved(user)
    await sending.until_shown(user, lambda now: now["unsent"] and now["unsent"][0]["attempts"])

    old = "UPDATE outbox SET created_at = now() - interval '25 hours' WHERE conversation_id = :c RETURNING id"
    await sending.shop.rows(old, c=await sending.conversation_of(user))
    sending.line.faults.always = None

    now = await sending.until_shown(user, lambda now: now["unsent"][0]["state"] == "parked", 30)
    assert "23 hours" in now["unsent"][0]["problem"]
    assert sending.line.world.texts_to(user) == []


async def test_a_pharmacists_long_reply_arrives_whole_in_pieces_of_one_push(sending: LineShop) -> None:
    user = new_user()
    await sending.deliver(said(user, "緊急語です"))
    conversation = await sending.shown(user)
    words = "👨‍👩‍👧" * 900  # 7,200 UTF-16 units, 4,500 code points

    answer = await sending.shop.post(
        f"/v1/conversations/{conversation['id']}/messages", {"text": words, "version": 1, "reason": "長い"}
    )

    await sending.until_shown(user, lambda now: words in [each["text"] for each in now["messages"]])
    texts = [text for text in sending.line.world.texts_to(user) if "👧" in text]
    assert answer.status_code == 202
    assert (len(texts), "".join(texts)) == (2, words)
    assert all(text.endswith("👧") for text in texts)
