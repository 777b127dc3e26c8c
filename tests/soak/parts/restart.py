"""Start on a full store: 100,000 messages, 10,000 of them unanswered, and an audit trail as long; then let it drain."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
from psycopg.types.json import Jsonb

from pharmacy.storage import audit
from pharmacy.storage.address import libpq, read_address
from pharmacy.storage.embedded import EmbeddedServer
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.processes import until
from tests.faults.rules import everyday
from tests.soak.counting import WAITING
from tests.soak.part import Part, Run
from tests.soak.pharmacy import Pharmacy
from tests.soak.promises import Figure

MESSAGES, PENDING = 100_000, 10_000
STARTS = 3
READY_SECONDS = 10.0
DRAIN_SECONDS = 1000.0
# A budget that is used up would let the second half drain without asking a model.
NO_BUDGET = dict.fromkeys(("KAKARI_BUDGET_TOKENS", "KAKARI_BUDGET_YEN", "KAKARI_BUDGET_MONTH_YEN"), "unlimited")

# Each conversation has ten messages; the newest of it waits, with its job.
FILL = """
INSERT INTO patients (pharmacy_id, id, profile) SELECT 'default', 'p' || n, '{{}}' FROM generate_series(1, {pending}) n;
INSERT INTO conversations (pharmacy_id, id, patient_id, channel, version, phase)
    SELECT 'default', 'c' || n, 'p' || n, 'api', {each}, 'intake' FROM generate_series(1, {pending}) n;
INSERT INTO messages
        (pharmacy_id, id, conversation_id, version, author, text, sent_at, received_at, order_at, outcome_id)
    SELECT 'default', 'm' || v, 'c' || n, v, 'patient', '葛根湯は食前ですか', at, at, at,
           CASE WHEN v < {each} THEN gen_random_uuid() END
    FROM generate_series(1, {pending}) n, generate_series(1, {each}) v,
         LATERAL (SELECT now() - make_interval(hours => {each} - v) AS at) AS moment;
INSERT INTO inbox (pharmacy_id, event_id, channel, raw, raw_hash, message_id)
    SELECT 'default', conversation_id || '-' || id, 'api', '{{}}', md5(conversation_id || id), id FROM messages;
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
    SELECT 'reply', 'reply', 'reply:default:c' || n,
           jsonb_build_object('pharmacy_id', 'default', 'conversation_id', 'c' || n)
    FROM generate_series(1, {pending}) n;
"""


def measure(run: Run) -> Iterator[Figure]:
    """Fill the store, kill and start the program a few times, and let the backlog drain."""
    pending = run.scaled(PENDING, 50)
    messages = pending * (MESSAGES // PENDING)
    with OpenAIFake() as provider, Receiver("s" * 32) as receiver:
        provider.script.rule = everyday
        pharmacy = Pharmacy(run.folder / "home", provider, receiver, NO_BUDGET)
        try:
            pharmacy.serve("no key is needed")
            pharmacy.server.stop()
            _fill(pharmacy, pending, messages)
            seconds = [_started(pharmacy) for _ in run.rounds(STARTS, "start")]
            said = f"{max(seconds):.1f} s at worst of {len(seconds)} starts"
            yield Figure("P10", f"from start to ready, {pending:,} of {messages:,} messages pending", said,
                         "at most 10 s", max(seconds) <= READY_SECONDS)  # fmt: skip
            yield from _drained(pharmacy, pending)
        finally:
            pharmacy.down()


def _fill(pharmacy: Pharmacy, pending: int, messages: int) -> None:
    server = EmbeddedServer(pharmacy.server.home)
    server.join()
    try:
        with psycopg.connect(libpq(read_address(server.url))) as connection:
            if (connection.execute("SELECT count(*) FROM messages").fetchone() or (0,))[0]:
                return
            connection.execute(FILL.format(pending=pending, each=messages // pending))
            _fill_trail(connection, messages)
            connection.commit()
            connection.autocommit = True
            connection.execute("ANALYZE")
    finally:
        server.leave()


def _fill_trail(connection: psycopg.Connection[tuple[object, ...]], rows: int) -> None:
    newest = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = (int(str(newest[0])), str(newest[1])) if newest else (0, audit.GENESIS)
    names = "pharmacy_id, seq, at, actor, action, subject, body, previous_hash, hash"
    with connection.cursor().copy(f"COPY audit ({names}) FROM STDIN") as copy:
        for number in range(seq + 1, seq + rows + 1):
            row = {"pharmacy_id": "default", "seq": number, "at": datetime.now(UTC), "actor": "channel:api",
                   "action": "message_taken", "subject": f"m{number}", "body": {"version": 1, "rules": []}}  # fmt: skip
            hashed = audit.row_hash(row, previous)
            copy.write_row([*(Jsonb(value) if name == "body" else value for name, value in row.items()),
                            previous, hashed])  # fmt: skip
            previous = hashed


def _started(pharmacy: Pharmacy) -> float:
    """Return how long a start took; the program is then killed, so that the next one finds nothing in order."""
    begun = time.monotonic()
    pharmacy.server.start().ready()
    seconds = time.monotonic() - begun
    pharmacy.server.kill()
    return seconds


def _drained(pharmacy: Pharmacy, pending: int) -> Iterator[Figure]:
    # Suggestions stay open: nobody is at the desk.
    pharmacy.server.start().ready()
    begun = time.monotonic()
    until("the backlog drained", lambda: not pharmacy.postgres.rows(WAITING)[0][0], DRAIN_SECONDS, every=2)
    seconds = time.monotonic() - begun
    query = "SELECT count(*) FROM (SELECT 1 FROM outcomes GROUP BY conversation_id HAVING count(*) > 1) AS doubled"
    doubled = pharmacy.postgres.rows(query)[0][0]
    answered = pharmacy.postgres.rows("SELECT count(DISTINCT conversation_id) FROM outcomes")[0][0]
    said = f"{answered:,} of {pending:,} in {seconds:,.0f} s"
    yield Figure("P10", "pending messages answered after the restart", said, "all", answered == pending)
    yield Figure("P10", "pending messages answered twice", f"{doubled}", "0", doubled == 0)


PART = Part("start on 100,000 messages with 10,000 pending, and drain", ("P10",), 15, measure)
