"""The queue and a conversation are found by an index, however many there are."""

import psycopg
import pytest

from pharmacy.storage.database import Database

CONVERSATIONS = 10_000

FILL = [
    "INSERT INTO patients (pharmacy_id, id, profile) SELECT 'p', 'c' || n, '{}' FROM generate_series(1, %s) n",
    "INSERT INTO conversations (pharmacy_id, id, patient_id, channel, version, phase, last_message_at)"
    " SELECT 'p', 'c' || n, 'c' || n, 'api', 3, 'intake', now() - n * interval '1 second'"
    " FROM generate_series(1, %s) n",
    "INSERT INTO messages (pharmacy_id, id, conversation_id, version, author, text, sent_at, outcome_id)"
    " SELECT 'p', 'm' || v, 'c' || n, v, 'patient', 't', now(), CASE WHEN n > 20 THEN gen_random_uuid() END"
    " FROM generate_series(1, %s) n, generate_series(1, 3) v",
    "INSERT INTO handovers"
    " (id, pharmacy_id, conversation_id, version, state, code, urgency, detail, phase, reasons, drafts)"
    " SELECT gen_random_uuid(), 'p', 'c' || n, 3, CASE WHEN n %% 10 = 0 THEN 'open' ELSE 'resolved' END,"
    " 'triage', n %% 4, '', 'intake', '[]', '[]' FROM generate_series(1, %s) n",
    "INSERT INTO suggestions (id, pharmacy_id, conversation_id, run_id, version, state, requested, phase, text, body)"
    " SELECT gen_random_uuid(), 'p', 'c' || n, gen_random_uuid(), 3,"
    " CASE WHEN n %% 10 = 1 THEN 'open' ELSE 'approved' END, false, 'intake', 't', '{}' FROM generate_series(1, %s) n",
]

OF_ONE = "WHERE pharmacy_id = 'p' AND conversation_id = 'c77'"
QUERIES = [
    pytest.param("SELECT * FROM handovers WHERE pharmacy_id = 'p' AND state = 'open' ORDER BY urgency, seq LIMIT 51",
                 id="queue-of-cases"),
    pytest.param("SELECT * FROM suggestions WHERE pharmacy_id = 'p' AND state = 'open' ORDER BY seq LIMIT 51",
                 id="queue-of-drafts"),
    pytest.param("SELECT * FROM conversations c"
                 " LEFT JOIN suggestions s ON s.pharmacy_id = c.pharmacy_id AND s.conversation_id = c.id"
                 " AND s.state = 'open'"
                 " LEFT JOIN handovers h ON h.pharmacy_id = c.pharmacy_id AND h.conversation_id = c.id"
                 " AND h.state = 'open'"
                 " WHERE c.pharmacy_id = 'p' ORDER BY c.last_message_at DESC, c.id DESC LIMIT 51", id="conversations"),
    pytest.param(f"SELECT * FROM messages {OF_ONE} ORDER BY seq DESC LIMIT 50", id="messages"),
    pytest.param(f"SELECT count(*) FROM messages {OF_ONE} AND author = 'patient' AND outcome_id IS NULL",
                 id="unanswered"),
    pytest.param(f"SELECT * FROM suggestions {OF_ONE} ORDER BY seq", id="drafts-of-one"),
    pytest.param(f"SELECT * FROM handovers {OF_ONE} AND state = 'open'", id="case-of-one"),
    pytest.param("SELECT * FROM conversations WHERE pharmacy_id = 'p' AND patient_id = 'c77'", id="of-a-patient"),
]  # fmt: skip


async def test_no_query_of_the_console_reads_a_whole_table(
    database: Database, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    for statement in FILL:
        owner.execute(statement, (CONVERSATIONS,))
    owner.execute("ANALYZE")

    plans = {query.id: _plan(owner, query.values[0]) for query in QUERIES}

    assert {name: plan for name, plan in plans.items() if "Seq Scan" in plan} == {}


def _plan(owner: psycopg.Connection[tuple[object, ...]], query: str) -> str:
    return "\n".join(str(row[0]) for row in owner.execute(f"EXPLAIN {query}"))
