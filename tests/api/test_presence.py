"""Who is in a conversation: seen by colleagues at once, gone with the page, told only when it changes."""

from datetime import timedelta

import httpx2
from sqlalchemy import update

from pharmacy.domain.rights import Role
from pharmacy.storage.presence import LIVES
from pharmacy.storage.tables import presences
from tests.api.listening import listening
from tests.api.people import Person, browser, person
from tests.api.shop import Shop, new_id


async def test_a_colleague_sees_who_looks_and_who_writes_and_that_they_have_gone(shop: Shop) -> None:
    conversation_id, one, other = await _three(shop)
    async with browser(shop, one) as mine, browser(shop, other) as theirs:
        seen = []
        for state in ("viewing", "editing", "gone"):
            await _tell(mine, conversation_id, state)
            seen.append((await theirs.get(f"/v1/conversations/{conversation_id}/presence")).json()["people"])

    assert seen == [[_here(one, "viewing")], [_here(one, "editing")], []]


async def test_one_person_with_two_pages_is_there_until_both_are_gone(shop: Shop) -> None:
    conversation_id, one, other = await _three(shop)
    async with browser(shop, one) as mine, browser(shop, other) as theirs:
        await _tell(mine, conversation_id, "editing", page="a")
        await _tell(mine, conversation_id, "viewing", page="b")
        both = await _everybody(theirs, conversation_id)
        await _tell(mine, conversation_id, "gone", page="a")

        left = await _everybody(theirs, conversation_id)

    assert both == [_here(one, "editing") | {"conversation_id": conversation_id}]
    assert left == [_here(one, "viewing") | {"conversation_id": conversation_id}]


async def test_a_page_that_has_gone_on_is_no_longer_where_it_was(shop: Shop) -> None:
    conversation_id, one, _ = await _three(shop)
    next_id = new_id()
    await shop.say(next_id, "体調の相談です", wait=None)
    async with browser(shop, one) as mine:
        await _tell(mine, conversation_id, "viewing")
        await _tell(mine, next_id, "viewing")
        await _tell(mine, conversation_id, "gone")  # late

        found = (await mine.get("/v1/desk/presence")).json()["people"]

    assert [each["conversation_id"] for each in found if each["is_you"]] == [next_id]


async def test_the_first_edit_claims_what_is_nobodys_and_no_later_one_does(shop: Shop) -> None:
    conversation_id, one, other = await _three(shop)
    async with browser(shop, one) as mine, browser(shop, other) as theirs:
        looked = await _tell(mine, conversation_id, "viewing")
        first = await _tell(mine, conversation_id, "editing")
        second = await _tell(theirs, conversation_id, "editing")
        await mine.post(f"/v1/conversations/{conversation_id}/give-back")
        again = await _tell(mine, conversation_id, "editing")

    assert looked.json()["claimed_by"] is None
    assert [first.json()["claimed_by"], second.json()["claimed_by"]] == [f"session:{one.name}"] * 2
    assert again.json()["claimed_by"] is None
    claims = await shop.rows("SELECT actor FROM audit WHERE action = 'claimed' AND subject = :c", c=conversation_id)
    assert [row.actor for row in claims] == [f"session:{one.name}"]


async def test_whoever_may_not_answer_patients_is_seen_as_looking_and_claims_nothing(shop: Shop) -> None:
    conversation_id, _, _ = await _three(shop)
    async with browser(shop, await person(shop, Role.LEAD)) as lead:
        key = (await shop.post("/v1/keys", {"name": new_id("key"), "rights": ["read_words"]})).json()
        headers = {"Authorization": f"Bearer {key['key']}"}

        answer = await shop.stranger.put(
            f"/v1/conversations/{conversation_id}/presence", json={"state": "editing"}, headers=headers
        )
        seen = (await lead.get(f"/v1/conversations/{conversation_id}/presence")).json()

    assert answer.status_code == 200, answer.text
    assert [each["state"] for each in seen["people"]] == ["viewing"]
    assert seen["claimed_by"] is None


async def test_a_page_that_says_again_what_is_known_wakes_nobody(shop: Shop) -> None:
    conversation_id, one, _ = await _three(shop)
    async with browser(shop, one) as mine, listening(shop.http) as stream:
        await _tell(mine, conversation_id, "viewing")
        await stream.hears("presence", {"conversation_id": conversation_id}, seconds=1)
        await stream.is_still()
        for _ in range(3):
            await _tell(mine, conversation_id, "viewing")

        await stream.is_still()

        await _tell(mine, conversation_id, "gone")
        await stream.hears("presence", {"conversation_id": conversation_id}, seconds=1)


async def test_whoever_says_nothing_more_is_gone_and_the_next_page_that_speaks_tells_all(shop: Shop) -> None:
    conversation_id, one, other = await _three(shop)
    async with browser(shop, one) as mine, browser(shop, other) as theirs:
        await _tell(mine, conversation_id, "editing")
        await _tell(theirs, conversation_id, "viewing")
        async with shop.program.database.begin(shop.program.settings.pharmacy_id) as tx:
            late = presences.c.seen_at - LIVES - timedelta(seconds=1)
            await tx.execute(update(presences).where(presences.c.actor == f"session:{one.name}").values(seen_at=late))
        async with listening(shop.http) as stream:
            seen = (await _tell(theirs, conversation_id, "viewing")).json()["people"]
            await stream.hears("presence", {"conversation_id": conversation_id}, seconds=1)

    assert [each["name"] for each in seen] == [f"session:{other.name}"]
    assert await shop.rows("SELECT FROM presences WHERE actor = :a", a=f"session:{one.name}") == []


async def test_what_calls_for_a_pharmacist_has_a_higher_number_than_anything_before(shop: Shop) -> None:
    before = (await shop.http.get("/v1/desk/attention")).json()
    await shop.say(new_id(), "体調の相談です")
    drafted = (await shop.http.get("/v1/desk/attention")).json()
    await shop.say(new_id(), "緊急語です")
    pressing = (await shop.http.get("/v1/desk/attention")).json()

    assert drafted["newest_draft"] > before["newest_draft"]
    assert drafted["newest_case"] == before["newest_case"]
    assert drafted["waiting"] == before["waiting"] + 1
    assert pressing["newest_emergency"] == pressing["newest_case"] > drafted["newest_case"]
    assert pressing["emergencies"] == before["emergencies"] + 1


async def _three(shop: Shop) -> tuple[str, Person, Person]:
    """Return a conversation and two people who may answer it."""
    conversation_id = new_id()
    await shop.say(conversation_id, "体調の相談です", wait=None)
    return conversation_id, await person(shop), await person(shop)


async def _tell(client: httpx2.AsyncClient, conversation_id: str, state: str, page: str = "a") -> httpx2.Response:
    told = {"state": state, "page": page}
    answer = await client.put(f"/v1/conversations/{conversation_id}/presence", json=told)
    assert answer.status_code == 200, answer.text
    return answer


async def _everybody(client: httpx2.AsyncClient, conversation_id: str) -> list[dict[str, object]]:
    found = (await client.get("/v1/desk/presence")).json()["people"]
    return [each for each in found if each["conversation_id"] == conversation_id]


def _here(who: Person, state: str) -> dict[str, object]:
    return {"name": f"session:{who.name}", "state": state, "is_you": False}
