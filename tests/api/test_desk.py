"""The desk over HTTP: conversations move from tab to tab as patients write and pharmacists decide."""

from typing import Any

import pytest

from pharmacy.storage.desk_search import LONGEST_QUERY
from tests.api.automatic import known, let, replies, waiting
from tests.api.shop import Shop, new_id


async def _tab_of(shop: Shop, conversation_id: str) -> str:
    found = (await shop.http.get("/v1/conversations", params={"q": conversation_id})).json()["items"]
    return next(row["tab"] for row in found if row["id"] == conversation_id)


async def _listed(shop: Shop, conversation_id: str, **query: Any) -> list[str]:
    """Return the tabs in which the conversation is listed, of one patient's only."""
    tabs = []
    for tab in ("person", "check", "automatic", "done"):
        answer = await shop.http.get("/v1/conversations", params={"tab": tab, "q": conversation_id, **query})
        assert answer.status_code == 200, answer.text
        tabs += [row["tab"] for row in answer.json()["items"] if row["id"] == conversation_id]
    return tabs


async def test_a_draft_waits_in_check_until_it_is_sent(shop: Shop) -> None:
    place = new_id("draft")
    outcome = await shop.say(place, "体調の相談です", patient={"id": place, "name": "田中 花子"})
    before = await _listed(shop, place)
    row = (await shop.http.get("/v1/conversations", params={"tab": "check", "q": place})).json()["items"][0]

    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 1})
    await replies(shop, place, 1)

    assert (before, await _listed(shop, place)) == (["check"], ["done"])
    assert (row["patient_name"], row["unanswered"], row["suggestion_id"]) == ("田中 花子", 1, outcome["suggestion_id"])
    assert row["last_message"] | {"sent_at": ""} == {
        "author": "patient", "kind": "text", "text": "体調の相談です", "sent_at": "",
    }  # fmt: skip
    assert row["waiting_since"] is not None
    answered = (await shop.http.get("/v1/conversations", params={"tab": "done", "q": place})).json()["items"][0]
    assert (answered["unanswered"], answered["waiting_since"]) == (0, None)
    assert answered["last_message"]["author"] == "pharmacist"


async def test_a_case_stays_with_a_person_until_it_is_closed(shop: Shop) -> None:
    place = new_id("case")
    case = await shop.say(place, "人手語です")
    before = await _listed(shop, place, tier="H")

    await shop.post(f"/v1/handovers/{case['handover_id']}/resolve", {"version": 1})

    assert (before, await _listed(shop, place)) == (["person"], ["done"])


async def test_a_refused_draft_goes_to_a_person_and_one_that_is_dealt_with_is_done(shop: Shop) -> None:
    for reason, tab in (("tone", "person"), ("handled", "done")):
        place = new_id("refused")
        outcome = await shop.say(place, "体調の相談です")

        await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/reject", {"version": 1, "reason": reason})

        assert await _listed(shop, place) == [tab]


async def test_a_conversation_that_was_taken_over_is_a_persons_until_it_is_given_back(shop: Shop) -> None:
    place = new_id("taken")
    await shop.say(place, "体調の相談です")
    await shop.post(f"/v1/conversations/{place}/take-over")
    taken = await _listed(shop, place, mine=True)

    await shop.post(f"/v1/conversations/{place}/give-back")

    assert (taken, await _listed(shop, place), await _listed(shop, place, mine=True)) == (["person"], ["check"], [])


async def test_a_reply_that_goes_out_by_itself_stands_in_automatic(own_shop: Shop) -> None:
    await let(own_shop)
    place = await known(own_shop)
    before = await _tab_of(own_shop, place)

    answer = await own_shop.say(place, "配送の相談です")
    await replies(own_shop, place, 2)

    assert (answer["outcome"], before) == ("auto_sent", "done")
    assert await _listed(own_shop, place) == ["automatic"]


async def test_a_snoozed_conversation_stands_apart_unless_it_is_an_emergency(shop: Shop) -> None:
    plain, emergency = new_id("asleep"), new_id("asleep")
    for place, words in ((plain, "体調の相談です"), (emergency, "緊急語です")):
        await shop.say(place, words)
        await shop.http.patch(f"/v1/conversations/{place}", json={"snoozed_until": "2099-01-01T00:00:00Z"})

    assert (await _listed(shop, plain), await _listed(shop, plain, snoozed=True)) == ([], ["check"])
    assert (await _listed(shop, emergency), await _listed(shop, emergency, snoozed=True)) == (["person"], [])
    everywhere = (await shop.http.get("/v1/conversations", params={"q": plain})).json()
    assert [row["id"] for row in everywhere["items"]] == [plain]


async def test_the_counts_are_those_of_the_lists(own_shop: Shop) -> None:
    for words in ("体調の相談です", "体調の相談です", "人手語です", "緊急語です", "至急語です"):
        await own_shop.say(new_id(), words)
    asleep = new_id()
    await own_shop.say(asleep, "体調の相談です")
    await own_shop.http.patch(f"/v1/conversations/{asleep}", json={"snoozed_until": "2099-01-01T00:00:00Z"})

    counted = (await own_shop.http.get("/v1/desk")).json()

    tabs = {"person": 3, "check": 2, "automatic": 0, "done": 0}
    assert counted == {"tabs": tabs, "snoozed": 1, "emergencies": 1}
    for tab, many in tabs.items():
        assert len((await own_shop.http.get("/v1/conversations", params={"tab": tab})).json()["items"]) == many
    in_person = (await own_shop.http.get("/v1/conversations", params={"tab": "person"})).json()["items"]
    assert [row["tier"] for row in in_person] == ["E", "U", "H"]
    assert (await own_shop.foreign.get("/v1/desk")).json()["tabs"] == dict.fromkeys(tabs, 0)


async def test_a_search_over_http_takes_each_character_for_itself(shop: Shop) -> None:
    place = new_id("search")
    await shop.say(place, "効き目は７０％_ほど\\です😊", wait=None)

    for words in ("70%_", "％_", "\\で", "です😊", place.upper()):
        found = (await shop.http.get("/v1/conversations", params={"q": words})).json()["items"]
        assert [row["id"] for row in found] == [place], words
    assert (await shop.foreign.get("/v1/conversations", params={"q": place})).json()["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"q": ""}, id="empty-search"),
        pytest.param({"q": " \u3000"}, id="blank-search"),
        pytest.param({"q": "長" * (LONGEST_QUERY + 1)}, id="search-too-long"),
        pytest.param({"tab": "urgent"}, id="unknown-tab"),
        pytest.param({"tier": "X"}, id="unknown-tier"),
        pytest.param({"channel": "../line"}, id="no-channel"),
        pytest.param({"snoozed": "perhaps"}, id="snoozed-perhaps"),
        pytest.param({"tab": "person", "after": "WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsImEiXQ"}, id="place-of-another-list"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_its_place(shop: Shop, query: dict[str, str]) -> None:
    answer = await shop.http.get("/v1/conversations", params=query)

    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"][0] == "query"


async def test_the_longest_search_is_answered(shop: Shop) -> None:
    answer = await shop.http.get("/v1/conversations", params={"q": "\ufdfa" * LONGEST_QUERY, "tab": "check"})

    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


async def _automatic(shop: Shop, tab: str) -> list[tuple[Any, ...]]:
    rows = (await shop.http.get("/v1/conversations", params={"tab": tab})).json()["items"]
    return [tuple(row["automatic"].values()) if row["automatic"] else () for row in rows]


async def test_a_row_says_what_became_of_its_automatic_text(own_shop: Shop) -> None:
    await let(own_shop, hold_seconds=600)
    place = await known(own_shop)
    await own_shop.say(place, "配送の相談です")
    text = await waiting(own_shop, place)
    held = await _automatic(own_shop, "automatic")

    await own_shop.post(f"/v1/conversations/{place}/automatic/{text['id']}/cancel")
    cancelled = await _automatic(own_shop, "check")
    await let(own_shop)
    other = await known(own_shop)
    await own_shop.say(other, "配送の相談です")
    sent = (await replies(own_shop, other, 2))[1]

    assert held == [("held", text["not_before"], None, None, None, False)]
    assert cancelled == [("cancelled", None, None, "cancelled", "cancelled", False)]
    assert await _automatic(own_shop, "automatic") == [("sent", None, sent["sent_at"], None, None, False)]
    assert await _automatic(own_shop, "done") == []


async def test_a_row_says_nothing_of_an_automatic_text_once_a_newer_message_waits(own_shop: Shop) -> None:
    await let(own_shop)
    place = await known(own_shop)
    await own_shop.say(place, "配送の相談です")
    await replies(own_shop, place, 2)

    await own_shop.say(place, "人手語です")

    assert await _automatic(own_shop, "person") == [()]
