"""Time the page of numbers on 10,000 conversations and 20,000 decisions, one in five an edited draft."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from pharmacy.settings import Settings
from pharmacy.storage import numbers
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.database import Database, open_database
from pharmacy.storage.embedded import EmbeddedServer
from server.numbering import today

CONVERSATIONS, DECISIONS, TIMES = 10_000, 20_000, 15
PHARMACY, PERSON = "sakura", "session:tanaka"

# Spread over 90 days and four people; each record as long as a real one, two of three displays noted.
FILL = """
INSERT INTO conversations (pharmacy_id, id, patient_id, channel, phase)
    SELECT 'sakura', 'c' || n, 'p' || n, 'line', 'intake' FROM generate_series(1, {conversations}) n;
INSERT INTO suggestions (id, pharmacy_id, conversation_id, run_id, version, state, requested, category, phase, text,
                         body, decided_by, decision, created_at, decided_at)
    SELECT gen_random_uuid(), 'sakura', 'c' || n % {conversations} + 1, gen_random_uuid(), 1,
           (ARRAY['approved','approved','approved','edited','rejected'])[n % 5 + 1], false,
           (ARRAY['order_delivery','follow_up','product_usage'])[n % 3 + 1], 'intake',
           repeat('葛根湯を飲み始めて三日ですが、夜になると頭が重くなります。', 6) || md5(n::text),
           jsonb_build_object('models', jsonb_build_object('generate_follow_up', 'gpt-' || n % 4),
                              'trail', (SELECT jsonb_agg(md5(n::text || m)) FROM generate_series(1, 80) m)),
           'session:' || (ARRAY['tanaka','sato','suzuki','ito'])[n % 4 + 1],
           CASE n % 5 WHEN 3 THEN jsonb_build_object('text',
                    repeat('葛根湯を飲み始めて三日ですが、夜になると頭が重くなります。', 5) || md5(n::text))
                WHEN 4 THEN '{{"code": "tone"}}' ELSE '{{}}' END,
           now() - n * interval '6 minutes' - interval '2 minutes', now() - n * interval '6 minutes'
    FROM generate_series(1, {decisions}) n;
INSERT INTO displays (pharmacy_id, suggestion_id, shown_to, conversation_id, at)
    SELECT pharmacy_id, id, decided_by, conversation_id, decided_at - interval '40 seconds'
    FROM suggestions WHERE seq % 3 > 0;
ANALYZE;
"""


def numbers_figures() -> Iterator[tuple[str, str]]:
    """Time the figures of one person and of all, over a month and a quarter, as the role that serves."""
    yield "numbers", f"{DECISIONS} decisions in {CONVERSATIONS} conversations, over 83 days"
    yield from asyncio.run(_figures())


async def _figures() -> list[tuple[str, str]]:
    found = []
    async with _filled() as database:
        for whose, who in (("own", PERSON), ("pharmacy", None)):
            for days in (30, 90):
                asked = numbers.Asked(PHARMACY, today() - timedelta(days=days - 1), today(), who)
                times, decisions = [], 0
                for _ in range(TIMES):
                    started = time.perf_counter()
                    async with database.begin(PHARMACY) as tx:
                        decisions = (await numbers.count(tx, asked))[numbers.TOTAL].decisions
                    times.append((time.perf_counter() - started) * 1000)
                told = f"median {median(times):.0f} ms, worst {max(times):.0f} ms, {decisions} decisions"
                found.append((f"{whose}, {days} days", told))
    return found


@asynccontextmanager
async def _filled() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory(prefix="kakari-bench-") as folder:
        server = EmbeddedServer(Path(folder) / "home")
        server.join()
        settings: dict[str, Any] = {"database_url": server.url, "home": Path(folder) / "own", "pharmacy_id": PHARMACY}
        database = await open_database(Settings(**settings))
        with psycopg.connect(libpq(read_address(server.url)), autocommit=True) as owner:
            owner.execute(FILL.format(conversations=CONVERSATIONS, decisions=DECISIONS))
        try:
            yield database
        finally:
            await database.close()
            server.leave()
