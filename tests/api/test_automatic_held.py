"""What waits to go out by itself, over HTTP; and every version of the policy with what it changed."""

from typing import Any

import psycopg
import pytest

from tests.api.automatic import CONSENT, known, let, waiting
from tests.api.shop import Shop


async def test_texts_that_wait_are_listed_in_the_order_in_which_they_go_page_by_page(own_shop: Shop) -> None:
    await let(own_shop, hold_seconds=600)
    held = [await _held(own_shop, name) for name in ("佐藤", "鈴木", "田中")]

    pages, after = [], None
    while not pages or after:
        asked = {"limit": 2} | ({"after": after} if after else {})
        answer = (await own_shop.http.get("/v1/automatic", params=asked)).json()
        pages.append(answer["items"])
        after = answer["next"]

    found = [text for each in pages for text in each]
    assert [text["conversation_id"] for text in found] == held
    assert [text["patient_name"] for text in found] == ["佐藤", "鈴木", "田中"]
    assert [len(each) for each in pages] == [2, 1]
    assert all(500 < text["seconds_left"] <= 600 for text in found)
    assert (await own_shop.foreign.get("/v1/automatic")).json()["items"] == []
    assert (await own_shop.http.get("/v1/policy")).json()["held"] == 3


async def test_a_text_that_was_cancelled_tried_or_is_a_persons_own_does_not_wait(
    own_shop: Shop, owner: psycopg.Connection[Any]
) -> None:
    await let(own_shop, hold_seconds=600)
    cancelled, tried = await _held(own_shop, "佐藤"), await _held(own_shop, "鈴木")
    text = await waiting(own_shop, cancelled)
    await own_shop.post(f"/v1/conversations/{cancelled}/automatic/{text['id']}/cancel")
    owner.execute("UPDATE outbox SET attempts = 1 WHERE conversation_id = %s AND automatic", [tried])

    assert (await own_shop.http.get("/v1/automatic")).json() == {"items": [], "next": None}
    assert (await own_shop.http.get("/v1/policy")).json()["held"] == 0


async def test_each_version_says_who_when_why_and_what_it_changed(own_shop: Shop) -> None:
    await let(own_shop, modes={"follow_up": {"taking": "auto"}}, hold_seconds=60)
    await let(own_shop, modes={}, mode="off", hold_seconds=60)

    newest = (await own_shop.http.get("/v1/policy/versions", params={"limit": 1})).json()
    older = (await own_shop.http.get("/v1/policy/versions", params={"below": newest["next"]})).json()

    (second,), (first,) = newest["items"], older["items"]
    assert first["changes"] == [{"place": ["modes", "follow_up", "taking"], "old": "suggest", "new": "auto"}]
    told = {tuple(change["place"]): (change["old"], change["new"]) for change in second["changes"]}
    assert told.pop(("modes", "follow_up", "taking")) == ("auto", "off")
    assert told.pop(("mode",)) == ("suggest", "off")
    assert len(told) == 15
    assert set(told.values()) == {("suggest", "off")}  # what follows from it elsewhere is said as well
    assert [(each["version"], each["reason"]) for each in (second, first)] == [(2, "a test"), (1, "a test")]
    assert older["next"] is None


async def test_a_version_that_cannot_be_read_hides_no_other(own_shop: Shop, owner: psycopg.Connection[Any]) -> None:
    await let(own_shop, hold_seconds=10, modes={})
    await let(own_shop, hold_seconds=20, modes={})
    owner.execute("""UPDATE policies SET body = '{"lc": 1}' WHERE version = 1""")

    answer = await own_shop.http.get("/v1/policy/versions")

    assert [(each["version"], each["changes"]) for each in answer.json()["items"]] == [(2, None), (1, None)]


@pytest.mark.parametrize("after", ["x", "W10", "WyJhIl0"])
async def test_a_cursor_that_was_never_given_out_is_refused(shop: Shop, after: str) -> None:
    assert (await shop.http.get("/v1/automatic", params={"after": after})).status_code == 422


async def _held(shop: Shop, name: str) -> str:
    conversation_id = await known(shop, CONSENT | {"name": name})
    told = await shop.say(conversation_id, "葛根湯は食前と食後のどちらがいいですか")
    assert told["outcome"] == "auto_sent", told
    return conversation_id
