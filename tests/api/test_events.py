"""The event stream: every change is heard at once, by its own pharmacy only, as an id and nothing else."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from pharmacy.domain.rights import Role
from pharmacy.domain.unsent_for import Problem, UnsentFor
from pharmacy.settings import Settings
from pharmacy.storage import access, erasure, media, outbox
from pharmacy.storage.holding import locked
from tests.api.automatic import known, let, shipped_policy, waiting
from tests.api.listening import EVENTS, listening
from tests.api.people import browser, person
from tests.api.shop import Shop, new_id, running

WORDS = "体調の相談です。名前は山田花子です"
SECONDS_TO_STOP = 5


async def _case(shop: Shop) -> tuple[str, dict[str, Any]]:
    conversation_id = new_id()
    return conversation_id, await shop.say(conversation_id, "人手語です")


def _post(path: str, body: Any = None) -> Callable[..., Awaitable[Any]]:
    async def act(shop: Shop, conversation_id: str, outcome: dict[str, Any]) -> Any:
        named = {"c": conversation_id, "s": outcome.get("suggestion_id"), "h": outcome.get("handover_id")}
        return await shop.post(path.format(**named), body)

    return act


def _patch(**changes: Any) -> Callable[..., Awaitable[Any]]:
    async def act(shop: Shop, conversation_id: str, _: dict[str, Any]) -> Any:
        return await shop.http.patch(f"/v1/conversations/{conversation_id}", json=changes)

    return act


OF_A_DRAFT = [
    pytest.param(_post("/v1/suggestions/{s}/approve", {"version": 1}), id="approved"),
    pytest.param(_post("/v1/suggestions/{s}/edit", {"version": 1, "text": "書き直しました。"}), id="edited"),
    pytest.param(_post("/v1/suggestions/{s}/reject", {"version": 1, "reason": "handled"}), id="rejected"),
    pytest.param(_post("/v1/suggestions/{s}/regenerate", {"version": 1}), id="regenerated"),
    pytest.param(_post("/v1/conversations/{c}/suggestions", {}), id="draft-asked-for"),
    pytest.param(_post("/v1/conversations/{c}/messages", {"version": 1, "text": "薬剤師です。"}), id="own-reply"),
    pytest.param(_post("/v1/conversations/{c}/claim"), id="claimed"),
    pytest.param(_post("/v1/conversations/{c}/take-over"), id="taken-over"),
    pytest.param(_post("/v1/conversations/{c}/give-back"), id="given-back"),
    pytest.param(_patch(snoozed_until="2099-01-01T00:00:00Z"), id="snoozed"),
    pytest.param(_patch(phase="taking"), id="phase"),
    pytest.param(_patch(category="follow_up"), id="category"),
]
OF_A_CASE = [
    pytest.param(_post("/v1/handovers/{h}/acknowledge"), id="acknowledged"),
    pytest.param(_post("/v1/handovers/{h}/resolve", {"version": 1}), id="resolved"),
]


@pytest.mark.parametrize("act", OF_A_DRAFT)
async def test_what_a_pharmacist_does_with_a_draft_is_heard(shop: Shop, act: Callable[..., Awaitable[Any]]) -> None:
    conversation_id = new_id()
    async with listening(shop.http) as stream:
        outcome = await shop.say(conversation_id, WORDS)
        await stream.is_still()

        answer = await act(shop, conversation_id, outcome)

        assert answer.status_code < 300, answer.text
        await stream.hears("conversation", {"conversation_id": conversation_id}, seconds=1)


@pytest.mark.parametrize("act", OF_A_CASE)
async def test_what_a_pharmacist_does_with_a_case_is_heard(shop: Shop, act: Callable[..., Awaitable[Any]]) -> None:
    async with listening(shop.http) as stream:
        conversation_id, outcome = await _case(shop)
        await stream.is_still()

        answer = await act(shop, conversation_id, outcome)

        assert answer.status_code < 300, answer.text
        await stream.hears("conversation", {"conversation_id": conversation_id}, seconds=1)


async def test_a_message_is_heard_before_anything_answers_it(own_settings: Settings) -> None:
    async with running(own_settings, work=False) as shop, listening(shop.http) as stream:
        conversation_id = new_id()

        await shop.say(conversation_id, WORDS, wait=None)

        await stream.hears("conversation", {"conversation_id": conversation_id}, seconds=1)


RUN = "INSERT INTO runs (id, pharmacy_id, conversation_id, version, fence, state) VALUES (gen_random_uuid(), :p, :c, 1,"
RUN += " 9, 'running')"
STATEMENTS = [
    pytest.param(RUN, id="run-begun"),
    pytest.param("UPDATE runs SET state = 'failed' WHERE conversation_id = :c", id="run-ended"),
    pytest.param("UPDATE suggestions SET state = 'superseded' WHERE conversation_id = :c", id="suggestion-outdated"),
    pytest.param("UPDATE messages SET text = '' WHERE conversation_id = :c", id="message-withdrawn"),
]


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_what_the_program_does_is_heard_whoever_writes_it(shop: Shop, statement: str) -> None:
    conversation_id, pharmacy_id = new_id(), shop.program.settings.pharmacy_id
    async with listening(shop.http) as stream:
        await shop.say(conversation_id, WORDS)
        await stream.is_still()

        async with shop.program.database.begin(pharmacy_id) as tx:
            given = {"c": conversation_id} | ({"p": pharmacy_id} if ":p" in statement else {})
            await tx.execute(text(statement), given)

        await stream.hears("conversation", {"conversation_id": conversation_id}, seconds=1)


async def test_each_state_of_a_text_on_its_way_is_heard(own_settings: Settings) -> None:
    async with running(own_settings, work=False) as shop, listening(shop.http) as stream:
        pharmacy_id, database, jobs = own_settings.pharmacy_id, shop.program.database, shop.program.jobs
        conversation_id = new_id()
        await shop.say(conversation_id, WORDS, wait=None)
        ids = []
        heard = {"conversation_id": conversation_id}
        for _ in range(3):
            async with database.begin(pharmacy_id) as tx:
                conversation = await locked(tx, pharmacy_id, conversation_id)
                ids.append(await outbox.queue(tx, jobs, conversation, outbox.Wording(f"{len(ids)}"), "test"))
            await stream.hears("conversation", heard, seconds=1)
        changes: list[Callable[[Any], Awaitable[Any]]] = [
            lambda tx: outbox.note_problem(tx, pharmacy_id, ids[0], Problem(UnsentFor.NO_ANSWER, "no answer"), 60),
            lambda tx: outbox.sent(tx, pharmacy_id, ids[0]),
            lambda tx: outbox.park(tx, jobs, pharmacy_id, ids[1], Problem(UnsentFor.RECEIVER_REFUSED)),
            lambda tx: outbox.cancel(tx, pharmacy_id, ids[2], "test"),
        ]

        for change in changes:
            await stream.is_still(0.3)
            async with database.begin(pharmacy_id) as tx:
                await change(tx)

            await stream.hears("conversation", heard, seconds=1)


async def test_a_held_text_and_its_cancelling_are_heard(own_shop: Shop) -> None:
    await let(own_shop, hold_seconds=30)
    conversation_id = await known(own_shop)
    async with listening(own_shop.http) as stream:
        await own_shop.say(conversation_id, "配送はいつですか")
        await stream.is_still()
        held = await waiting(own_shop, conversation_id)

        await own_shop.post(f"/v1/conversations/{conversation_id}/automatic/{held['id']}/cancel")

        await stream.hears("conversation", {"conversation_id": conversation_id}, seconds=1)


async def test_a_stored_file_is_heard(shop: Shop) -> None:
    conversation_id, pharmacy_id = new_id(), shop.program.settings.pharmacy_id
    async with listening(shop.http) as stream:
        message_id = (await shop.say(conversation_id, WORDS))["message_id"]
        of = media.Of(pharmacy_id, conversation_id, message_id)
        insert = "INSERT INTO media (pharmacy_id, conversation_id, message_id, channel_message_id, kind, state)"
        async with shop.program.database.begin(pharmacy_id) as tx:
            await tx.execute(text(f"{insert} VALUES (:p, :c, :m, '1', 'image', 'waiting')"),
                             {"p": pharmacy_id, "c": conversation_id, "m": message_id})  # fmt: skip
        await stream.is_still()

        async with shop.program.database.begin(pharmacy_id) as tx:
            await media.refuse(tx, of, "no picture")

        await stream.hears("conversation", {"conversation_id": conversation_id}, seconds=1)


async def test_policy_kill_switch_patients_and_products_are_heard(own_shop: Shop) -> None:
    async with listening(own_shop.http) as stream:
        await let(own_shop)
        await stream.hears("policy", {}, seconds=1)
        await own_shop.http.put("/v1/policy/kill-switch", json={"on": True})
        await stream.hears("policy", {}, seconds=1)
        await own_shop.http.put("/v1/patients/p-1", json={"allergies": ["そば"]})
        await stream.hears("patient", {"patient_id": "p-1"}, seconds=1)
        await own_shop.http.put("/v1/products/tea", json={"formula": "f"})
        await stream.hears("product", {"product_id": "tea"}, seconds=1)

    assert (await shipped_policy(own_shop))["kill_switch"]["on"]


async def test_an_erased_conversation_is_heard(shop: Shop) -> None:
    conversation_id, pharmacy_id = new_id(), shop.program.settings.pharmacy_id
    async with listening(shop.http) as stream:
        await shop.say(conversation_id, WORDS, patient={"id": f"of-{conversation_id}"})
        await stream.is_still()

        await erasure.erase(shop.program.database, pharmacy_id, f"of-{conversation_id}", "test")

        await stream.hears("conversation", {"conversation_id": conversation_id}, seconds=1)


async def test_what_is_rolled_back_is_never_heard(shop: Shop) -> None:
    conversation_id, pharmacy_id = new_id(), shop.program.settings.pharmacy_id
    async with listening(shop.http) as stream:
        await shop.say(conversation_id, WORDS)
        await stream.is_still()

        async with shop.program.database.begin(pharmacy_id) as tx:
            await tx.execute(text("UPDATE messages SET text = '' WHERE conversation_id = :c"), {"c": conversation_id})
            await tx.rollback()

        await asyncio.sleep(0.5)
        assert stream.heard == []


async def test_another_pharmacy_hears_nothing(shop: Shop) -> None:
    async with listening(shop.foreign) as foreign, listening(shop.http) as own:
        conversation_id, outcome = await _case(shop)
        await shop.http.put("/v1/patients/p-2", json={})
        await shop.post(f"/v1/handovers/{outcome['handover_id']}/resolve", {"version": 1})
        await own.hears("conversation", {"conversation_id": conversation_id})
        await own.is_still()

        assert foreign.heard == []


async def test_no_word_of_a_patient_stands_in_the_stream(shop: Shop) -> None:
    conversation_id = new_id()
    async with listening(shop.http, headers={"Accept-Encoding": "gzip"}) as stream:
        outcome = await shop.say(conversation_id, WORDS, patient={"id": "p-3", "name": "山田花子"})
        await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/edit", {"version": 1, "text": "花子さん、はい"})
        await stream.is_still()

    fields = {line.partition(":")[0] for line in stream.raw.splitlines() if line}
    data = {line for line in stream.raw.splitlines() if line.startswith("data:")}
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in stream.headers
    assert fields == {"event", "data", "retry"}
    assert data == {"data: {}", 'data: {"patient_id": "p-3"}', f'data: {{"conversation_id": "{conversation_id}"}}'}


async def test_a_burst_is_told_once_and_once_more(shop: Shop) -> None:
    conversation_id, pharmacy_id = new_id(), shop.program.settings.pharmacy_id
    async with listening(shop.http) as stream:
        await shop.say(conversation_id, WORDS)
        await stream.is_still()

        began = time.monotonic()
        for _ in range(20):
            async with shop.program.database.begin(pharmacy_id) as tx:
                await tx.execute(text("UPDATE conversations SET claimed_by = 'test' WHERE id = :c"),
                                 {"c": conversation_id})  # fmt: skip
        took = time.monotonic() - began
        await asyncio.sleep(0.4)

        assert 1 <= len(stream.of(conversation_id)) <= 2 + took / 0.1


async def test_after_an_outage_of_the_database_everything_is_to_be_looked_at_again(
    own_shop: Shop, owner: psycopg.Connection[Any]
) -> None:
    async with listening(own_shop.http) as stream:
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN kakari%' OR"
                      " (application_name = 'kakari' AND datname = current_database())")  # fmt: skip

        await stream.hears("changed", {}, seconds=5)
        await own_shop.until(lambda: _is_ready(own_shop))
        conversation_id = new_id()
        await own_shop.say(conversation_id, WORDS)
        await stream.hears("conversation", {"conversation_id": conversation_id}, seconds=1)


async def _is_ready(shop: Shop) -> bool:
    return (await shop.stranger.get("/readyz")).status_code == 200


async def test_a_stop_ends_every_stream(own_shop: Shop) -> None:
    async with listening(own_shop.http) as one, listening(own_shop.http) as other:
        own_shop.program.stops = True

        await asyncio.wait_for(asyncio.gather(one.ended.wait(), other.ended.wait()), SECONDS_TO_STOP)

    await own_shop.until(lambda: _none_open(own_shop), 2)


async def _none_open(shop: Shop) -> bool:
    return len(shop.program.streams) == 0


async def test_a_revoked_key_ends_its_stream(shop: Shop) -> None:
    name, pharmacy_id = new_id("key"), shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        key = await access.create_key(tx, pharmacy_id, name, "test")
    async with listening(shop.stranger, headers={"Authorization": f"Bearer {key}"}) as stream:
        async with shop.program.database.begin(pharmacy_id) as tx:
            await access.revoke_key(tx, pharmacy_id, name, "test")

        async with asyncio.timeout(5):
            await stream.ended.wait()


async def test_signing_out_ends_the_stream(shop: Shop) -> None:
    async with browser(shop, await person(shop)) as client, listening(client) as stream:
        await client.post("/sign-out")

        async with asyncio.timeout(5):
            await stream.ended.wait()


async def test_an_open_stream_keeps_no_session_alive(shop: Shop) -> None:
    seen = "SELECT seen_at FROM sign_ins WHERE actor = :a"
    who = await person(shop)
    async with browser(shop, who) as client:
        early = "UPDATE sign_ins SET seen_at = seen_at - interval '60 seconds' WHERE actor = :a"
        async with shop.program.database.begin(shop.program.settings.pharmacy_id) as tx:
            await tx.execute(text(early), {"a": who.name})
        before = (await shop.rows(seen, a=who.name))[0].seen_at
        async with listening(client) as stream:
            await asyncio.sleep(3.6)
            assert not stream.ended.is_set()
        during = (await shop.rows(seen, a=who.name))[0].seen_at
        await client.get("/v1/conversations")
        after = (await shop.rows(seen, a=who.name))[0].seen_at

    assert before == during < after


async def test_who_may_not_read_words_gets_no_stream(shop: Shop) -> None:
    async with browser(shop, await person(shop, Role.ENGINEER)) as client:
        refused = await client.get(EVENTS, params={"seconds": 0})

    assert (refused.status_code, (await shop.stranger.get(EVENTS)).status_code) == (403, 401)


async def test_beyond_the_most_streams_the_next_is_told_to_come_again(own_shop: Shop) -> None:
    own_shop.program.streams.most = 2
    async with listening(own_shop.http), listening(own_shop.http):
        refused = await own_shop.http.get(EVENTS)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "event streams" in refused.json()["detail"]

    await own_shop.until(lambda: _none_open(own_shop), 5)
    async with listening(own_shop.http) as again:
        assert again.status == 200


async def test_a_stream_ends_after_as_many_seconds_as_were_asked_for(shop: Shop) -> None:
    began = time.monotonic()

    at_once = await shop.http.get(EVENTS, params={"seconds": 0})
    later = await shop.http.get(EVENTS, params={"seconds": 1})

    assert at_once.text.startswith("event: changed\ndata: {}\n")
    assert later.status_code == 200
    assert 1 <= time.monotonic() - began < 3


async def test_who_does_not_read_costs_little(own_shop: Shop) -> None:
    with own_shop.program.streams.listen(own_shop.program.settings.pharmacy_id) as unread:
        for number in range(5_000):
            unread.wake(f"conversation/c-{number}")

        payloads, missed = unread.take()

    assert (len(payloads), missed) == (1_000, True)
