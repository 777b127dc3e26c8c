"""Handovers: the human queue, and closing a case."""

from uuid import uuid4

import pytest

from tests.api.shop import Shop, new_id


async def test_the_queue_shows_emergencies_first_then_urgent_ones_then_the_rest(own_shop: Shop) -> None:
    for words in ("専任の相談です", "人手語です", "至急語です", "緊急語です"):
        await own_shop.say(new_id(), words)

    items = (await own_shop.http.get("/v1/handovers")).json()["items"]

    assert [item["reason"].get("tier") for item in items] == ["E", "U", "H", None]
    assert "tier" not in items[-1]["reason"]


async def test_the_queue_is_paged_across_tiers(own_shop: Shop) -> None:
    for words in ("人手語です", "至急語です", "緊急語です"):
        await own_shop.say(new_id(), words)
    first = (await own_shop.http.get("/v1/handovers", params={"limit": 2})).json()
    await own_shop.say(new_id(), "緊急語です")

    rest = (await own_shop.http.get("/v1/handovers", params={"limit": 2, "after": first["next"]})).json()

    assert [item["reason"]["tier"] for item in first["items"] + rest["items"]] == ["E", "U", "H"]


async def test_a_resolved_case_leaves_the_queue_and_keeps_who_closed_it(shop: Shop) -> None:
    conversation_id = new_id()
    case = await shop.say(conversation_id, "人手語です")

    answer = await shop.post(f"/v1/handovers/{case['handover_id']}/resolve", {"resolution": "電話でお話ししました"})

    listed = (await shop.http.get("/v1/handovers", params={"conversation_id": conversation_id})).json()
    everything = (
        await shop.http.get("/v1/handovers", params={"conversation_id": conversation_id, "state": "all"})
    ).json()
    assert (answer.json()["state"], answer.json()["resolution"]) == ("resolved", "電話でお話ししました")
    assert answer.json()["resolved_by"].startswith("key:")
    assert listed["items"] == []
    assert [item["state"] for item in everything["items"]] == ["resolved"]


async def test_a_case_is_closed_once(shop: Shop) -> None:
    case = await shop.say(new_id(), "人手語です")
    await shop.http.post(f"/v1/handovers/{case['handover_id']}/resolve")

    again = await shop.http.post(f"/v1/handovers/{case['handover_id']}/resolve")

    assert (again.status_code, again.json()["state"]) == (409, "resolved")


async def test_a_foreign_case_answers_as_one_that_does_not_exist(shop: Shop) -> None:
    case = await shop.say(new_id(), "人手語です")

    foreign = await shop.foreign.post(f"/v1/handovers/{case['handover_id']}/resolve")
    unknown = await shop.http.post(f"/v1/handovers/{uuid4()}/resolve")

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert (await shop.http.get(f"/v1/handovers/{case['handover_id']}")).json()["state"] == "open"


async def test_a_case_never_falls_to_a_lower_tier(shop: Shop) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "至急語です")

    await shop.say(conversation_id, "人手語です")

    case = (await shop.conversation(conversation_id))["handover"]
    assert case["reason"]["tier"] == "U"
    assert len(case["reasons"]) == 2


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="no-body"),
        pytest.param({"resolution": "対応しました"}, id="no-version"),
        pytest.param({"version": 1}, id="the-version-before"),
        pytest.param({"version": 3}, id="a-version-to-come"),
    ],
)
async def test_an_emergency_that_joined_a_case_is_not_closed_by_one_who_has_not_read_it(
    shop: Shop, body: dict | None
) -> None:
    conversation_id = new_id()
    case = await shop.say(conversation_id, "人手語です")
    await shop.say(conversation_id, "緊急語です")

    answer = await shop.post(f"/v1/handovers/{case['handover_id']}/resolve", body)

    told = answer.json()
    assert (answer.status_code, told["version"]) == (409, 2)
    assert [m["text"] for m in told["newer_messages"]][-1:] == (
        [] if (body or {}).get("version") == 3 else ["緊急語です"]
    )
    assert (await shop.conversation(conversation_id))["handover"]["state"] == "open"


async def test_an_emergency_is_closed_by_one_who_has_read_it(shop: Shop) -> None:
    conversation_id = new_id()
    case = await shop.say(conversation_id, "人手語です")
    await shop.say(conversation_id, "緊急語です")

    answer = await shop.post(f"/v1/handovers/{case['handover_id']}/resolve", {"version": 2})

    assert (answer.status_code, answer.json()["state"]) == (200, "resolved")


async def test_a_case_that_a_newer_message_joined_is_not_closed_under_the_version_before(shop: Shop) -> None:
    conversation_id = new_id()
    case = await shop.say(conversation_id, "人手語です")
    await shop.say(conversation_id, "至急語です")

    before = await shop.post(f"/v1/handovers/{case['handover_id']}/resolve", {"version": 1})
    now = await shop.post(f"/v1/handovers/{case['handover_id']}/resolve", {"version": 2})

    assert (before.status_code, [m["text"] for m in before.json()["newer_messages"]]) == (409, ["至急語です"])
    assert now.status_code == 200
