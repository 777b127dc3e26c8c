"""Records: every model call with what it was asked, and a chain of decisions that shows every change."""

import psycopg

from pharmacy.settings import Settings
from pharmacy.storage import audit_verify, people
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
    async with shop.program.database.begin(pharmacy_id) as tx:
        broken = await audit_verify.broken_at(tx, pharmacy_id)
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
        async with own_shop.program.database.begin(pharmacy_id) as tx:
            found.append(await audit_verify.broken_at(tx, pharmacy_id))

    assert found == [7, 6, 5, 4]


async def test_no_words_of_a_patient_stand_in_the_chain_or_in_a_job(own_settings: Settings) -> None:
    async with running(own_settings, work=False) as shop:
        await shop.say("c", "ヒミツの相談です", wait=None)
        await shop.post("/v1/conversations/c/suggestions", {"instruction": "ヒミツの希望"})
        kept = await shop.rows("SELECT body::text FROM audit UNION ALL SELECT args::text FROM procrastinate_jobs")

    assert len(kept) >= 4
    assert [row for row in kept if "ヒミツ" in row[0] or "\\u30d2" in row[0]] == []


async def test_a_reason_that_overrides_the_output_gate_is_kept_with_the_rules_it_overrides(shop: Shop) -> None:
    conversation_id, claim = new_id(), {"version": 1, "text": "必ず治ります。", "reason": "引用です"}
    outcome = await shop.say(conversation_id, "体調の相談です")
    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/edit", claim)
    await shop.post(f"/v1/conversations/{conversation_id}/messages", claim)

    kept = await shop.rows("SELECT reason, overridden FROM outbox WHERE conversation_id = :c", c=conversation_id)
    told = await shop.rows(
        "SELECT body FROM audit WHERE action IN ('suggestion_edited', 'responded') AND subject IN (:c, :s)",
        c=conversation_id, s=outcome["suggestion_id"],
    )  # fmt: skip

    assert [row.reason for row in kept] == ["引用です", "引用です"]
    assert all(row.overridden for row in kept)
    assert [row.body["overridden"] for row in told] == [row.overridden for row in kept]
    assert all("引用です" not in str(row.body) for row in told)


async def test_a_product_whose_writer_began_before_another_and_ended_after_it_is_read_anew(shop: Shop) -> None:
    program, pharmacy_id = shop.program, new_id("pharmacy")
    async with program.database.begin(pharmacy_id) as tx:
        for product_id in ("slow", "quick"):
            await people.put_product(tx, pharmacy_id, product_id, {"formula": "葛根湯"})
    async with program.database.begin(pharmacy_id) as slow:
        await people.put_product(slow, pharmacy_id, "slow", {"formula": "当帰芍薬散"})
        async with program.database.begin(pharmacy_id) as quick:
            await people.put_product(quick, pharmacy_id, "quick", {"formula": "加味逍遙散"})
        await program.catalogue(pharmacy_id)

    names = {product.formula for product in (await program.catalogue(pharmacy_id)).products}

    assert names == {"当帰芍薬散", "加味逍遙散"}
