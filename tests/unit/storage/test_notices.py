"""Notices: heard after a commit, never after a rollback, and never missed over an outage."""

import asyncio

import psycopg

from pharmacy.storage.database import Database
from pharmacy.storage.notices import Notices, notify


async def tell(database: Database, channel: str, *payloads: str) -> None:
    async with database.begin_without_pharmacy() as connection:
        for payload in payloads:
            await notify(connection, channel, payload)


async def test_a_subscriber_hears_its_own_key_and_no_other(database: Database) -> None:
    async with Notices(database.app_url) as notices, notices.subscribe("conversation", "a") as mine:
        await tell(database, "conversation", "b")
        await tell(database, "outcome", "a")
        heard_others = await mine.wait(0.3)
        await tell(database, "conversation", "a")

        assert not heard_others
        assert await mine.wait(1)
        assert mine.take() == (["a"], False)


async def test_a_subscriber_without_a_key_hears_all_in_order(database: Database) -> None:
    async with Notices(database.app_url) as notices, notices.subscribe("conversation") as everything:
        await tell(database, "conversation", "a", "b", "c")

        assert await everything.wait(1)
        assert everything.take() == (["a", "b", "c"], False)


async def test_nothing_is_heard_of_a_transaction_that_was_rolled_back(database: Database) -> None:
    async with Notices(database.app_url) as notices, notices.subscribe("conversation") as everything:
        async with database.engine.connect() as connection:
            await notify(connection, "conversation", "a")
            await connection.rollback()

        assert not await everything.wait(0.3)


async def test_callbacks_are_called_with_each_payload(database: Database) -> None:
    called: asyncio.Queue[str | None] = asyncio.Queue()
    async with Notices(database.app_url) as notices:
        notices.on("policy", called.put_nowait)

        await tell(database, "policy", "kill-switch")

        assert await asyncio.wait_for(called.get(), 1) == "kill-switch"


async def test_every_subscriber_is_woken_after_the_connection_was_lost(
    database: Database, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    async with Notices(database.app_url) as notices, notices.subscribe("conversation", "a") as mine:
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN kakari%'")

        assert await mine.wait(3)
        assert mine.take() == ([], True)
        await tell(database, "conversation", "a")
        assert await mine.wait(1)
        assert mine.take() == (["a"], False)


async def test_a_subscriber_that_never_reads_keeps_a_bounded_number_and_knows_of_the_gap(database: Database) -> None:
    async with Notices(database.app_url) as notices, notices.subscribe("conversation") as everything:
        await tell(database, "conversation", *(str(number) for number in range(1500)))
        await everything.wait(1)
        await asyncio.sleep(0.2)

        payloads, gap = everything.take()

    assert len(payloads) == 1000
    assert payloads[-1] == "1499"
    assert gap
