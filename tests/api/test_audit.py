"""Every text that went out is explained in the trail, and the record of each message can be shown."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import psycopg
from sqlalchemy import text
from typer.testing import CliRunner, Result

from cli.audit import app
from cli.audit_writing import COLUMNS, guarded
from pharmacy.storage import audit_explain
from tests.api.shop import Shop, new_id


async def _approved(shop: Shop, words: str = "体調の相談です") -> str:
    conversation_id = new_id()
    outcome = await shop.say(conversation_id, words)
    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 1})
    await shop.until(lambda: _sent(shop, conversation_id))
    return conversation_id


async def _sent(shop: Shop, conversation_id: str) -> bool:
    rows = await shop.rows("SELECT FROM outbox WHERE conversation_id = :c AND state = 'sent'", c=conversation_id)
    return bool(rows)


async def _every_kind_of_send(shop: Shop) -> None:
    await _approved(shop)
    edited, answered = new_id(), new_id()
    outcome = await shop.say(edited, "体調の相談です")
    body = {"version": 1, "text": "葛根湯は食前にお飲みください。", "reason": "簡潔に"}
    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/edit", body)
    await shop.say(answered, "人手語です")
    await shop.post(f"/v1/conversations/{answered}/messages", {"version": 1, "text": "薬剤師がご返事します。"})
    for conversation_id in (edited, answered):
        await shop.until(lambda of=conversation_id: _sent(shop, of))


async def _cli(shop: Shop, *command: str) -> Result:
    settings = shop.program.settings
    assert settings.database_url is not None
    environment = {"DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home)}
    return await asyncio.to_thread(CliRunner().invoke, app, command, env=environment)


async def test_every_send_has_its_approver_models_prompts_gates_and_marks(
    own_shop: Shop, figure: Callable[..., None]
) -> None:
    await _every_kind_of_send(own_shop)

    async with own_shop.program.database.begin(own_shop.program.settings.pharmacy_id) as tx:
        found = [of async for of in audit_explain.explanations(tx, own_shop.program.settings.pharmacy_id)]

    explained = sum(not of.missing for of in found)
    figure("P12", "sends explained by the audit trail", measured=f"{explained} of {len(found)}", asked="100%",
           holds=explained == len(found) == 3)  # fmt: skip


async def test_a_send_that_nobody_let_go_is_named(
    own_shop: Shop, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    await _approved(own_shop)
    owner.execute("UPDATE outbox SET sent_by = 'key:somebody', text = 'もう一度'")

    async with own_shop.program.database.begin(own_shop.program.settings.pharmacy_id) as tx:
        found = [of async for of in audit_explain.explanations(tx, own_shop.program.settings.pharmacy_id)]

    assert [of.missing for of in found] == [("the text that was sent", "the person who let it go")]


async def test_the_trail_names_the_run_that_wrote_a_draft(own_shop: Shop) -> None:
    conversation_id = new_id()
    await own_shop.say(conversation_id, "低評価になりそうな葛根湯の相談です")

    (row,) = await own_shop.rows(
        "SELECT body FROM audit WHERE action = 'outcome_written' AND subject = :c", c=conversation_id
    )
    calls = await own_shop.rows("SELECT node, prompt_fingerprint FROM model_calls WHERE conversation_id = :c",
                                c=conversation_id)  # fmt: skip
    assert row.body["prompts"] == {call.node: call.prompt_fingerprint for call in calls}
    assert sum(row.body["attempts"].values()) == len(calls)
    assert set(row.body["models"]) == {call.node for call in calls}
    assert row.body["run"]
    assert row.body["handover_id"]


async def test_verify_prints_that_all_holds_and_names_the_first_row_that_does_not(
    own_shop: Shop, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    await _approved(own_shop)
    held = await _cli(own_shop, "verify", "--json")
    owner.execute("UPDATE audit SET actor = 'x' WHERE seq = 3 AND pharmacy_id = 'default'")
    broken = await _cli(own_shop, "verify")

    told = json.loads(held.stdout)
    assert (held.exit_code, told["holds"]) == (0, True), held.output
    assert {of["pharmacy"]: of["sends"] for of in told["pharmacies"]} == {"default": 1}
    assert (broken.exit_code, broken.stdout.splitlines()[0]) == (
        1,
        "default  row 3: its content is not what was hashed; 1 of 1 sends explained",
    )


async def test_a_noted_head_is_held_against_the_trail(own_shop: Shop) -> None:
    await _approved(own_shop)
    head = json.loads((await _cli(own_shop, "head", "--json")).stdout)["default"]
    await _approved(own_shop)

    assert (await _cli(own_shop, "verify", "--head", head)).exit_code == 0
    assert (await _cli(own_shop, "verify", "--head", f"9999:{head.partition(':')[2]}")).exit_code == 1
    assert (await _cli(own_shop, "verify", "--head", "9999")).exit_code == 2


async def test_the_record_of_a_message_shows_what_came_in_what_was_decided_and_what_was_sent(own_shop: Shop) -> None:
    conversation_id = await _approved(own_shop)
    message_id = (await own_shop.conversation(conversation_id))["messages"][0]["id"]

    ran = await _cli(own_shop, "export", "--message", message_id)

    assert ran.exit_code == 0, ran.output
    record = json.loads(ran.stdout)
    assert record["message"]["text"] == "体調の相談です"
    assert record["message"]["received_at"].endswith("+09:00")
    assert {call["node"] for call in record["run"]["calls"]} == set(record["outcome"]["models"])
    assert all(call["prompt_fingerprint"] and call["model_served"] for call in record["run"]["calls"])
    assert record["drafts"][-1]["judgement"]["safety"]["mark"] >= record["drafts"][-1]["judgement"]["safety"]["bar"]
    assert [decision["decided"] for decision in record["decisions"]] == ["approved"]
    assert [(send["state"], send["sent_by"]) for send in record["sends"]] == [("sent", record["decisions"][0]["by"])]
    actions = [entry["action"] for entry in record["audit"]]
    assert actions == ["message_taken", "outcome_written", "suggestion_approved", "message_sent"]


async def test_a_day_in_japan_is_exported_as_a_table_and_the_trail_says_so(own_shop: Shop, tmp_path: Path) -> None:
    conversations = [await _approved(own_shop), await _approved(own_shop)]
    await own_shop.say(new_id(), "人手語です")
    # Half past midnight of 1 May in Japan is still April in the clock that the database keeps.
    async with own_shop.program.database.begin(own_shop.program.settings.pharmacy_id) as tx:
        moved = (
            "UPDATE messages SET received_at = '2026-04-30T15:30Z' WHERE author = 'patient' AND conversation_id = :c"
        )
        await tx.execute(text(moved), {"c": conversations[0]})
    file = tmp_path / "record.csv"

    ran = await _cli(
        own_shop, "export", "--from", "2026-05-01", "--to", "2026-05-01", "--format", "csv", "--out", str(file)
    )

    assert ran.exit_code == 0, ran.output
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    assert [(row["conversation_id"], row["received_at"]) for row in rows] == [
        (conversations[0], "2026-05-01T00:30:00+09:00")
    ]
    assert tuple(rows[0]) == COLUMNS
    assert file.stat().st_mode & 0o777 == 0o600
    (told,) = await own_shop.rows("SELECT body FROM audit WHERE action = 'record_exported'")
    assert told.body["records"] == 1


async def test_words_that_a_spreadsheet_would_run_are_only_shown(own_shop: Shop) -> None:
    conversation_id = new_id()
    await own_shop.say(conversation_id, '=HYPERLINK("http://example.com","人手語")')

    ran = await _cli(own_shop, "export", "--format", "csv")

    (row,) = csv.DictReader(io.StringIO(ran.stdout))
    assert row["text"] == '\'=HYPERLINK("http://example.com","人手語")'


def test_every_start_of_a_formula_is_guarded_in_both_widths() -> None:
    cells = ["=1", "+81 3", "-1", "@SUM", "\t=1", "\r=1", " =1", "＝1", "＋1", "－1", "＠A"]

    assert [guarded(cell)[0] for cell in cells] == ["'"] * len(cells)
    assert [guarded("葛根湯"), guarded(None), guarded(7)] == ["葛根湯", "", "7"]


async def test_a_message_that_is_not_there_and_a_day_that_is_none_are_refused(own_shop: Shop) -> None:
    assert (await _cli(own_shop, "export", "--message", "nobody")).exit_code == 1
    assert (await _cli(own_shop, "export", "--from", "2026-13-01")).exit_code == 2
    assert (await _cli(own_shop, "export", "--from", "2026-01-01T09:00")).exit_code == 2
