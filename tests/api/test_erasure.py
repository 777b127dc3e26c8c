"""A patient who asks for it is erased, whatever is in work, and a new message of theirs begins anew."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pharmacy.settings import Settings
from pharmacy.storage import erasure
from pharmacy.storage.audit_verify import broken_at
from pharmacy.storage.refusals import StoreBusy
from tests.api.line_shop import LineShop
from tests.api.shop import Shop, new_id, running
from tests.fakes.line_server.events import body_of, event, new_user, said
from tests.fakes.openai_server import OpenAIFake

CHECKOUT = Path(__file__).resolve().parents[2]
CANARY = "わたしだけのことば"
CONTENT = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


async def _found(shop: Shop, words: str) -> dict[str, int]:
    """Return the tables in which the words stand, in letters or in bytes, and in how many rows."""
    counts = {}
    for (table,) in await shop.rows(CONTENT):
        look = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE :words OR t::text LIKE :bytes"
        (row,) = await shop.rows(look, words=f"%{words}%", bytes=f"%{words.encode().hex()}%")
        counts[table] = row[0]
    return {table: count for table, count in counts.items() if count}


async def _erase(shop: Shop, patient_id: str) -> erasure.Erased:
    return await erasure.erase(shop.program.database, shop.program.settings.pharmacy_id, patient_id, "test")


async def _told(shop: Shop, patient_id: str) -> str:
    """Have a conversation whose words reach as many tables as can be; return its id."""
    conversation_id = new_id()
    patient = {"id": patient_id, "name": CANARY}
    told = await shop.say(conversation_id, f"配送の件です。{CANARY}", patient=patient)
    suggestion = (await shop.conversation(conversation_id))["suggestion"]
    assert told["outcome"] == "suggestion", told
    body = {"version": told["version"], "text": f"承知いたしました。{CANARY}", "reason": CANARY}
    answer = await shop.post(f"/v1/suggestions/{suggestion['id']}/edit", body)
    assert answer.status_code == 200, answer.text
    await shop.post(f"/v1/conversations/{conversation_id}/suggestions", {"instruction": CANARY})
    await shop.say(conversation_id, f"緊急語 {CANARY}", wait=None)
    return conversation_id


async def test_everything_of_a_patient_is_gone_within_a_minute(own_shop: Shop, figure: Callable[..., None]) -> None:
    await _told(own_shop, "p-erase")
    before = await _found(own_shop, CANARY)

    started = time.monotonic()
    erased = await _erase(own_shop, "p-erase")

    assert {"patients", "messages", "inbox", "suggestions", "outbox", "model_calls", "requests"} <= before.keys()
    seconds, left = time.monotonic() - started, await _found(own_shop, CANARY)
    figure("P19", "tables that still know an erased patient", measured=f"{len(left)} after {seconds:.1f} s",
           asked="0 after 60 s", holds=not left and seconds < 60)  # fmt: skip
    assert {"conversations", "runs", "handovers"} <= erased.rows.keys()
    async with own_shop.program.database.begin(own_shop.program.settings.pharmacy_id) as tx:
        assert await broken_at(tx, own_shop.program.settings.pharmacy_id) is None


async def test_a_run_in_work_writes_nothing_of_an_erased_patient(own_settings: Settings) -> None:
    with OpenAIFake(latency_seconds=1.0) as slow:
        settings = own_settings.model_copy(update={"openai_base_url": slow.url})
        async with running(settings) as shop:
            conversation_id = new_id()
            await shop.say(conversation_id, f"配送の件です。{CANARY}", wait=None)
            await asyncio.to_thread(slow.log.asked)

            await _erase(shop, conversation_id)

            await asyncio.sleep(3)
            assert await _found(shop, CANARY) == {}
            assert (await shop.http.get(f"/v1/conversations/{conversation_id}")).status_code == 404


async def test_a_message_after_the_erasure_begins_anew(own_shop: Shop) -> None:
    conversation_id = await _told(own_shop, "p-anew")
    await _erase(own_shop, "p-anew")

    told = await own_shop.say(conversation_id, "配送はいつですか。", patient={"id": "p-anew"})

    shown = await own_shop.conversation(conversation_id)
    assert (told["version"], len(shown["messages"])) == (1, 1)
    assert await _found(own_shop, CANARY) == {}


async def test_messages_that_arrive_meanwhile_are_taken_or_refused_whole(own_shop: Shop) -> None:
    conversation_ids = [await _told(own_shop, "p-busy") for _ in range(3)]
    late = "あとからのことば"

    async def send(number: int) -> int:
        body = {"conversation_id": conversation_ids[number % 3], "text": late, "patient": {"id": "p-busy"}}
        return (await own_shop.post("/v1/messages", body)).status_code

    _, *statuses = await asyncio.gather(_erase(own_shop, "p-busy"), *(send(number) for number in range(30)))

    assert set(statuses) <= {202, 503}
    assert await _found(own_shop, CANARY) == {}
    rows = await own_shop.rows("SELECT patient_id FROM conversations WHERE patient_id = 'p-busy'")
    known = await own_shop.rows("SELECT id FROM patients WHERE id = 'p-busy'")
    assert bool(rows) == bool(known)


async def test_an_erasure_that_is_held_up_ends_in_time_and_has_erased_nothing(
    own_shop: Shop, owner: psycopg.Connection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id = new_id()
    await own_shop.say(conversation_id, "配送の件です。", patient={"id": "p-held"})
    monkeypatch.setattr(erasure, "LONGEST_SECONDS", 0.5)

    with owner.transaction():
        owner.execute("SELECT FROM messages WHERE conversation_id = %s FOR UPDATE", [conversation_id])
        with pytest.raises(StoreBusy, match="nothing was erased, ask again"):
            await _erase(own_shop, "p-held")
    monkeypatch.undo()

    assert (await own_shop.conversation(conversation_id))["messages"]
    assert (await _erase(own_shop, "p-held")).found_anything


async def test_a_message_that_was_erased_is_not_taken_again(own_shop: Shop) -> None:
    body = {
        "conversation_id": new_id(),
        "message_id": "once-only",
        "text": f"配送 {CANARY}",
        "patient": {"id": "p-once"},
    }
    assert (await own_shop.post("/v1/messages", body)).status_code == 202
    await _erase(own_shop, "p-once")

    again = await own_shop.post("/v1/messages", body)

    assert again.status_code == 409
    assert await _found(own_shop, CANARY) == {}


@pytest.fixture
def command(own_settings: Settings) -> list[str]:
    return [sys.executable, "-m", "cli", "erase", "p-cli"]


async def test_the_command_erases_says_what_and_says_when_it_was_done_before(
    own_shop: Shop, own_settings: Settings, command: list[str]
) -> None:
    await _told(own_shop, "p-cli")

    first = await _run([*command, "--yes", "--json"], own_settings)
    again = await _run([*command, "--yes"], own_settings)
    unasked = await _run(command, own_settings)
    unknown = await _run([*command[:-1], "nobody", "--yes"], own_settings)

    told = json.loads(first.stdout)
    assert (first.returncode, told["erased"], told["erased_before"]) == (0, True, None)
    assert told["rows"]["messages"] >= 2
    assert (again.returncode, "was erased on" in again.stdout) == (0, True)
    assert (unasked.returncode, "--yes" in unasked.stderr) == (2, True)
    assert (unknown.returncode, "Nothing is known" in unknown.stdout) == (1, True)
    assert await _found(own_shop, CANARY) == {}


async def _run(command: list[str], settings: Settings) -> subprocess.CompletedProcess[str]:
    assert settings.database_url is not None
    variables = {"DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home)}
    return await asyncio.to_thread(
        subprocess.run, command, cwd=CHECKOUT, env=os.environ | variables, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("plain", [b'"mode"', b'"source"'])
async def test_the_words_of_an_event_that_could_not_be_read_are_erased(line_shop: LineShop, plain: bytes) -> None:
    user_id, odd = new_user(), said(new_user(), CANARY)
    odd["source"]["userId"] = user_id
    await line_shop.deliver(said(user_id, "配送の件です。"))
    shown = await line_shop.shown(user_id)
    (patient,) = await line_shop.shop.rows("SELECT patient_id FROM conversations WHERE id = :id", id=shown["id"])
    await line_shop.post(body_of(odd).replace(plain, plain + b": 1, " + plain, 1))
    assert await _found(line_shop.shop, CANARY) == {"line_events": 1}

    await _erase(line_shop.shop, patient.patient_id)

    assert await _found(line_shop.shop, CANARY) == {}


@pytest.mark.parametrize("flagged", [True, False])
async def test_an_event_of_line_that_is_repeated_after_the_erasure_brings_nothing_back(
    line_shop: LineShop, flagged: bool
) -> None:
    user_id = new_user()
    events = [said(user_id, f"配送の件です。{CANARY}"), event("follow", user_id, follow={"isUnblocked": False})]
    assert (await line_shop.deliver(*events)).status_code == 200
    shown = await line_shop.shown(user_id)
    (patient,) = await line_shop.shop.rows("SELECT patient_id FROM conversations WHERE id = :id", id=shown["id"])
    await _erase(line_shop.shop, patient.patient_id)
    again = [each | {"deliveryContext": {"isRedelivery": flagged}} for each in events]

    assert (await line_shop.deliver(*again)).status_code == 200

    assert await _found(line_shop.shop, CANARY) == {}
    assert not flagged or await _found(line_shop.shop, user_id) == {}
