"""Records: every model call with what it was asked, and a chain of decisions that shows every change."""

import psycopg

from pharmacy.settings import Settings
from pharmacy.storage import audit
from tests.api.shop import Shop, new_id, running


async def test_every_model_call_is_recorded_with_its_blanks_cost_and_tokens(shop: Shop) -> None:
    conversation_id = new_id()
    outcome = await shop.say(conversation_id, "低評価になりそうな葛根湯の相談です")

    calls = await shop.rows("SELECT * FROM model_calls WHERE conversation_id = :c ORDER BY seq", c=conversation_id)

    nodes = [call.node for call in calls]
    assert sorted(nodes[:2]) == ["classify", "switch_phase"]
    assert nodes[2:4] == ["generate_symptom_consultation", "judge"]
    assert nodes.count("generate_symptom_consultation") == 3
    assert all("葛根湯" in call.blanks["conversation"] for call in calls)
    assert all(call.prompt_tokens > 0 and call.completion_tokens > 0 and call.cost_usd > 0 for call in calls)
    assert all(len(call.prompt_fingerprint) == 12 and call.output for call in calls)
    assert abs(sum(call.cost_usd for call in calls) - outcome["cost_usd"]) < 1e-9


async def test_every_sent_text_is_explained_in_a_chain_that_verifies(shop: Shop) -> None:
    conversation_id, pharmacy_id = new_id(), shop.program.settings.pharmacy_id
    outcome = await shop.say(conversation_id, "体調の相談です")
    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 1})

    async def sent() -> bool:
        return len((await shop.conversation(conversation_id))["messages"]) == 2

    await shop.until(sent)
    rows = await shop.rows(
        "SELECT action, actor FROM audit WHERE subject IN (:c, :s) OR body->>'conversation' = :c ORDER BY seq",
        c=conversation_id, s=outcome["suggestion_id"],
    )  # fmt: skip
    async with shop.program.database.begin() as tx:
        broken = await audit.broken_at(tx, pharmacy_id)
    assert [row.action for row in rows] == ["message_taken", "outcome_written", "suggestion_approved", "message_sent"]
    assert rows[2].actor.startswith("key:")
    assert broken is None


async def test_one_changed_byte_of_one_row_is_found(
    own_shop: Shop, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    pharmacy_id = own_shop.program.settings.pharmacy_id
    for _ in range(4):
        await own_shop.say(new_id(), "人手語です")
    changes = (
        "UPDATE audit SET actor = 'Flow' WHERE seq = 4",
        "UPDATE audit SET body = body || '{\"version\": 2}' WHERE seq = 5",
        "UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = 6", "DELETE FROM audit WHERE seq = 7",
    )  # fmt: skip

    found = []
    for change in reversed(changes):
        owner.execute(change)
        async with own_shop.program.database.begin() as tx:
            found.append(await audit.broken_at(tx, pharmacy_id))

    assert found == [8, 6, 5, 4]


async def test_no_words_of_a_patient_stand_in_the_chain_or_in_a_job(own_settings: Settings) -> None:
    async with running(own_settings, work=False) as shop:
        await shop.say("c", "ヒミツの相談です", wait=None)
        await shop.post("/v1/conversations/c/suggestions", {"instruction": "ヒミツの希望"})
        kept = await shop.rows("SELECT body::text FROM audit UNION ALL SELECT args::text FROM procrastinate_jobs")

    assert len(kept) >= 4
    assert [row for row in kept if "ヒミツ" in row[0] or "\\u30d2" in row[0]] == []
