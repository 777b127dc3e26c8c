"""Time the pharmacist's desk on 10,000 conversations and 100,000 messages: each tab, the counts, searches."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from pharmacy.settings import Settings
from pharmacy.storage import desk
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.database import Database, open_database
from pharmacy.storage.desk_tabs import Tab
from pharmacy.storage.embedded import EmbeddedServer

CONVERSATIONS, MESSAGES_EACH, TIMES = 10_000, 10, 15
PHARMACY = "sakura"

# Of a hundred conversations so many have an open case, an open draft, and were answered by themselves lately.
SPREADS = {"an ordinary day": (3, 7, 10), "a bad day": (20, 50, 20)}

FILL = """
INSERT INTO patients (pharmacy_id, id, profile)
    SELECT 'sakura', 'p' || n, jsonb_build_object('name', (ARRAY['佐藤','鈴木','田中','伊藤'])[n % 4 + 1] || ' 花子')
    FROM generate_series(1, {n}) n;
INSERT INTO conversations (pharmacy_id, id, patient_id, channel, version, phase, category, last_message_at)
    SELECT 'sakura', 'c' || n, 'p' || n, 'line', {m}, 'intake', 'follow_up', now() - n * interval '1 minute'
    FROM generate_series(1, {n}) n;
INSERT INTO messages (pharmacy_id, id, conversation_id, version, author, text,
                      sent_at, received_at, order_at, outcome_id)
    SELECT 'sakura', 'm' || v || '-' || n, 'c' || n, v,
           CASE WHEN v % 3 = 0 THEN 'pharmacist' ELSE 'patient' END,
           repeat('葛根湯を飲み始めて三日ですが、夜になると頭が重くなります。', n % 3 + 1) || md5(n || '-' || v),
           now() - (n * 10 + {m} - v) * interval '1 minute', now() - (n * 10 + {m} - v) * interval '1 minute',
           now() - (n * 10 + {m} - v) * interval '1 minute', gen_random_uuid()
    FROM generate_series(1, {n}) n, generate_series(1, {m}) v;
INSERT INTO suggestions (id, pharmacy_id, conversation_id, run_id, version, state, requested, phase, text, body)
    SELECT gen_random_uuid(), 'sakura', 'c' || n, gen_random_uuid(), v,
           CASE WHEN v = {m} AND n % 100 BETWEEN {person} AND {person} + {check} - 1 THEN 'open'
                WHEN v % 3 = 0 THEN 'rejected' ELSE 'approved' END,
           false, 'intake', 't', '{{}}'
    FROM generate_series(1, {n}) n, generate_series(1, {m}) v;
INSERT INTO handovers (id, pharmacy_id, conversation_id, version, state, code, tier, urgency, detail, phase,
                       reasons, drafts)
    SELECT gen_random_uuid(), 'sakura', 'c' || n, {m}, 'open', 'triage', (ARRAY['E', 'U', 'H'])[n % 3 + 1], n % 3,
           '', 'intake', '[]', '[]'
    FROM generate_series(1, {n}) n WHERE n % 100 < {person};
INSERT INTO handovers (id, pharmacy_id, conversation_id, version, state, code, tier, urgency, detail, phase,
                       reasons, drafts)
    SELECT gen_random_uuid(), 'sakura', 'c' || n, v, 'resolved', 'triage', 'H', 2, '', 'intake', '[]', '[]'
    FROM generate_series(1, {n}) n, generate_series(1, 2) v;
INSERT INTO outbox (id, pharmacy_id, conversation_id, retry_key, version, text, text_hash, recipient, author, sent_by,
                    state, automatic, created_at, sent_at)
    SELECT gen_random_uuid(), 'sakura', 'c' || n, gen_random_uuid(), {m}, 't', 't', 'p' || n, 'machine', 'policy:1',
           'sent', true, now() - interval '1 hour', now() - interval '1 hour'
    FROM generate_series(1, {n}) n WHERE n % 100 BETWEEN {person} + {check} AND {person} + {check} + {automatic} - 1;
ANALYZE;
"""


def desk_figures() -> Iterator[tuple[str, str]]:
    """Time each list, the counts and searches, as the role that serves."""
    for name, spread in SPREADS.items():
        yield f"desk, {name}", ", ".join(f"{many} % {tab}" for tab, many in zip(Tab, spread, strict=False))
        yield from asyncio.run(_figures(spread))


async def _figures(spread: tuple[int, int, int]) -> list[tuple[str, str]]:
    found = []
    async with _filled(spread) as database:
        for what, work in _works(database).items():
            times = []
            for _ in range(TIMES):
                started = time.perf_counter()
                rows = await work()
                times.append((time.perf_counter() - started) * 1000)
            found.append((what, f"median {median(times):.0f} ms, worst {max(times):.0f} ms, {rows} rows"))
    return found


def _works(database: Database) -> dict[str, Callable[[], Awaitable[int]]]:
    def listing(wanted: desk.Wanted, pages: int = 1) -> Callable[[], Awaitable[int]]:
        async def read() -> int:
            after, rows = None, 0
            async with database.begin(PHARMACY) as tx:
                for _ in range(pages):
                    found = await desk.list_rows(tx, PHARMACY, wanted, limit=50, after=after)
                    after, rows = found.next, rows + len(found.items)
            return rows

        return read

    async def count() -> int:
        async with database.begin(PHARMACY) as tx:
            return sum((await desk.counts(tx, PHARMACY))["tabs"].values())

    lists = {f"tab {tab}": listing(desk.Wanted(tab, asleep=False)) for tab in Tab}
    searches = {
        f"search {words!r} in {tab or 'all'}": listing(desk.Wanted(tab, words=words))
        for words in ("頭が", "田中", "薬", "a0", "nothing of it", "ＭＤ５")
        for tab in (None, Tab.CHECK)
    }
    return {"counts": count, "no tab": listing(desk.Wanted()), **lists, **searches}


@asynccontextmanager
async def _filled(spread: tuple[int, int, int]) -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory(prefix="kakari-bench-") as folder:
        server = EmbeddedServer(Path(folder) / "home")
        server.join()
        settings: dict[str, Any] = {"database_url": server.url, "home": Path(folder) / "own", "pharmacy_id": PHARMACY}
        database = await open_database(Settings(**settings))
        with psycopg.connect(libpq(read_address(server.url)), autocommit=True) as owner:
            counts = dict(zip(("person", "check", "automatic"), spread, strict=True))
            owner.execute(FILL.format(n=CONVERSATIONS, m=MESSAGES_EACH, **counts))
        try:
            yield database
        finally:
            await database.close()
            server.leave()
