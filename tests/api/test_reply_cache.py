"""Repeated questions are answered from memory: only what was approved, only where nothing else has changed."""

from typing import Any

import psycopg
import pytest

from pharmacy.storage import erasure
from pharmacy.storage.checks import database_findings
from tests.api.commands import kakari
from tests.api.shop import Shop, new_id, running
from tests.fakes.openai_server import OpenAIFake

QUESTION = "配送の日時は指定できますか"
NEAR = "すみません、配送日時は指定できるのですか？"
LAST = """
SELECT model_served, cost_usd FROM model_calls
WHERE node LIKE 'generate%' AND error IS NULL ORDER BY seq DESC LIMIT 1
"""
CACHED = ("cache:exact", 0.0)


@pytest.fixture
async def remembering(own_shop: Shop) -> Shop:
    """Return a shop that has answered and approved the question once, with its memory on."""
    assert (await kakari(own_shop, "cache", "on")).exit_code == 0
    await _approved(own_shop, QUESTION)
    return own_shop


async def test_an_approved_reply_answers_the_same_question_is_judged_and_shown_as_what_it_is(
    remembering: Shop, fake: OpenAIFake
) -> None:
    before = len(_asked(fake))
    again = await remembering.say(new_id(), f"こんにちは。{QUESTION}?")

    assert sorted(_asked(fake)[before:]) == ["Classification", "PhaseSwitch", "Verdict"]
    assert await _last(remembering) == CACHED
    assert again["models"]["generate_order_delivery"] == "cache:exact"
    shown = await kakari(remembering, "cache", "show")
    assert "heard 2; answered by the same words 1, near 0" in shown.stdout
    by_model = (await remembering.http.get("/v1/figures")).json()["by_model"]
    assert [(one["calls"], one["cost_usd"]) for one in by_model if one["model"] == "cache:replies"] == [(1, 0.0)]


async def test_memory_is_off_as_shipped_and_off_again_from_the_next_message_on(own_shop: Shop) -> None:
    await _approved(own_shop, QUESTION)
    shipped = (await own_shop.rows("SELECT count(*) FROM reply_cache"))[0][0]
    await kakari(own_shop, "cache", "on")
    heard = await _approved(own_shop, QUESTION)
    await kakari(own_shop, "cache", "off", "--reason", "a wrong reply")
    await own_shop.say(new_id(), QUESTION)

    assert shipped == 0
    assert heard != CACHED
    assert await _last(own_shop) != CACHED
    found = await own_shop.rows("SELECT body FROM audit WHERE action = 'caching_set' ORDER BY seq")
    assert [row.body["recall"] for row in found] == ["exact", "off"]


async def test_what_is_not_the_one_plain_question_is_answered_anew(remembering: Shop) -> None:
    found = []
    for words in (
        "私の配送の日時は指定できますか",
        "佐藤と申します。配送の日時は指定できますか",
        "配送の日時は指定できますか。送料はいくらですか",
        "配送の日時は指定できませんか",
    ):
        await remembering.say(new_id(), words)
        found.append(await _last(remembering))

    assert CACHED not in found


async def test_a_known_fact_of_the_patient_or_a_question_just_before_keeps_memory_out(remembering: Shop) -> None:
    orders = [{"id": "o-1", "product": "葛根湯", "state": "準備中"}]
    await remembering.say(new_id(), QUESTION, patient={"id": new_id("p"), "orders": orders})
    of_known = await _last(remembering)
    conversation_id = new_id()
    await remembering.say(conversation_id, "配送の箱は小さいですか")
    await remembering.say(conversation_id, QUESTION)

    assert of_known != CACHED
    assert await _last(remembering) != CACHED


async def test_the_same_question_in_other_words_is_answered_from_memory_and_one_that_looks_alike_is_not(
    own_shop: Shop, owner: psycopg.Connection[Any]
) -> None:
    await kakari(own_shop, "cache", "on", "--near")
    await _approved(own_shop, QUESTION)
    found = []
    for words in (
        NEAR,
        "配送の日時は指定できませんか",
        "配送の業者は指定できますか",
        "3時の配送の日時は指定できますか",
    ):
        await own_shop.say(new_id(), words)
        found.append((await _last(own_shop))[0])
    owner.execute("DROP EXTENSION vector")
    owner.commit()
    for words in (NEAR, QUESTION):
        await own_shop.say(new_id(), words)
        found.append((await _last(own_shop))[0])

    assert [how.startswith("cache:") for how in found] == [True, False, False, False, False, True]
    assert (found[0], found[-1]) == ("cache:near", "cache:exact")
    async with own_shop.program.database.begin(own_shop.program.settings.pharmacy_id) as tx:
        said = [words for _, words in await database_findings(tx, own_shop.program.settings.pharmacy_id)]
    assert any("found by their own words only" in words for words in said)


async def test_a_near_reply_that_was_refused_ends_what_it_was_taken_from(own_shop: Shop) -> None:
    await kakari(own_shop, "cache", "on", "--near")
    await _approved(own_shop, QUESTION)
    near = await own_shop.say(new_id(), NEAR)
    of_near = await _last(own_shop)
    await _decide(own_shop, near, "reject", reason="medically_wrong")

    await own_shop.say(new_id(), QUESTION)

    assert of_near == ("cache:near", 0.0)
    assert await _last(own_shop) != CACHED


async def test_another_price_or_another_policy_is_another_question(own_shop: Shop) -> None:
    question = "葛根湯の配送の日時は指定できますか"
    await kakari(own_shop, "cache", "on")
    found = [await _approved(own_shop, question), await _approved(own_shop, question)]
    product = (await own_shop.http.get("/v1/products/kakkonto")).json()
    put = await own_shop.http.put("/v1/products/kakkonto", json=product | {"price": 9_999})
    found += [await _approved(own_shop, question), await _approved(own_shop, question)]
    policy = (await own_shop.http.get("/v1/policy")).json()
    changed = {"policy": policy["policy"] | {"longest_chars": 200}, "version": policy["version"], "reason": "shorter"}
    set_ = await own_shop.http.put("/v1/policy", json=changed)
    await own_shop.say(new_id(), question)
    found += [await _last(own_shop)]

    assert (put.status_code, set_.status_code) == (200, 200), set_.text
    assert [one == CACHED for one in found] == [False, True, False, True, False]


async def test_another_pharmacys_approved_reply_is_never_found(remembering: Shop) -> None:
    elsewhere = remembering.program.settings.model_copy(update={"pharmacy_id": "elsewhere"})
    async with running(elsewhere) as other:
        await kakari(other, "cache", "on")
        await other.say(new_id(), QUESTION)

        assert await _last(other) != CACHED


async def test_what_a_pharmacist_reworded_since_is_written_anew(remembering: Shop) -> None:
    again = await remembering.say(new_id(), QUESTION)
    await _decide(remembering, again, "edit", text="日時は注文のときにお選びいただけます。", reason="clearer")

    await remembering.say(new_id(), QUESTION)

    assert await _last(remembering) != CACHED


async def test_with_whoever_asked_first_all_that_came_of_it_is_erased(own_shop: Shop) -> None:
    await kakari(own_shop, "cache", "on")
    await _approved(own_shop, QUESTION, patient={"id": "p-first"})
    await _approved(own_shop, QUESTION, patient={"id": "p-second"})
    of_second = await _last(own_shop)

    erased = await erasure.erase(own_shop.program.database, own_shop.program.settings.pharmacy_id, "p-first", "test")
    await own_shop.say(new_id(), QUESTION)

    assert erased.rows["reply_cache"] == 1
    assert of_second == CACHED
    assert await _last(own_shop) != CACHED


async def test_a_recalled_reply_that_the_judge_turns_down_is_written_anew(remembering: Shop) -> None:
    await remembering.rows("UPDATE suggestions SET text = '効果は必ずあります。副作用はありません。' RETURNING id")
    said = await remembering.say(new_id(), QUESTION)

    assert await _last(remembering) != CACHED
    assert said["drafts"] == 2


async def _approved(shop: Shop, words: str, **more: Any) -> tuple[str, float]:
    await _decide(shop, await shop.say(new_id(), words, **more), "approve")
    return await _last(shop)


async def _decide(shop: Shop, said: dict[str, Any], how: str, **body: str) -> None:
    answer = await shop.post(f"/v1/suggestions/{said['suggestion_id']}/{how}", {"version": 1} | body)
    assert answer.status_code == 200, answer.text


async def _last(shop: Shop) -> tuple[str, float]:
    """Return who wrote the newest draft, and what that cost."""
    (row,) = await shop.rows(LAST)
    return row.model_served, row.cost_usd


def _asked(fake: OpenAIFake) -> list[str]:
    return [entry.body["response_format"]["json_schema"]["name"] for entry in fake.log.chats()]
