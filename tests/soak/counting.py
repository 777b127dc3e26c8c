"""What is counted at the end of a run: nothing acknowledged lost, nothing sent twice, nothing stale, all explained."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.soak.arrivals import Arrivals
from tests.soak.promises import Figure

Rows = Callable[[str], Sequence[tuple[Any, ...]]]
"""Runs a query as the database's owner."""

WAITING = "SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NULL"
QUEUED = "SELECT count(*) FROM outbox WHERE state = 'queued'"
OPEN = "SELECT count(*) FROM suggestions WHERE state = 'open'"
OUTBOX = """
SELECT o.retry_key::text, o.state, o.conversation_id, o.version, o.automatic, c.user_id FROM outbox o
LEFT JOIN line_contacts c ON c.pharmacy_id = o.pharmacy_id AND c.conversation_id = o.conversation_id
"""
# The audit chain is written one row after the other, each in the transaction that it tells of and under the
# conversation's lock: it says without a doubt what came first, and no clock does.
QUEUED_STALE = """
SELECT DISTINCT o.retry_key::text FROM outbox o
JOIN audit queued ON queued.pharmacy_id = o.pharmacy_id AND queued.body->>'outbox_id' = o.id::text
JOIN messages m ON m.pharmacy_id = o.pharmacy_id AND m.conversation_id = o.conversation_id
    AND m.author = 'patient' AND m.version > o.version
JOIN audit taken ON taken.pharmacy_id = o.pharmacy_id AND taken.action = 'message_taken' AND taken.subject = m.id
    AND taken.body->>'conversation' = o.conversation_id
WHERE taken.seq < queued.seq
"""
# What the patient had written when each text was first tried, but for what came in its last second: between the
# comparison and the push there is always a moment. A person's own text whose first attempt may have arrived is held
# back no longer, for only its own key can tell; an automatic one is.
SENT_STALE = """
SELECT o.retry_key::text, extract(epoch FROM m.received_at) FROM outbox o
JOIN messages m ON m.pharmacy_id = o.pharmacy_id AND m.conversation_id = o.conversation_id
WHERE m.author = 'patient' AND m.version > o.version AND (o.automatic OR o.attempts = 1)
"""
MOMENT_SECONDS = 1.0


def drained(rows: Rows) -> bool:
    """Return whether every message has its outcome and every text is out or with a person."""
    return all(rows(query)[0][0] == 0 for query in (WAITING, OPEN, QUEUED))


COUNTED = ("P1", "P2", "P3", "P5", "P12")
"""Whose figures `counted` gives."""


def counted(rows: Rows, acked: Iterable[str], came: Arrivals, trail: Mapping[str, Any], under: str) -> Iterator[Figure]:
    """Give the figures of COUNTED.

    Args:
        trail: what `kakari audit verify --json` says of the one pharmacy that there is.
    """
    yield from _taken(rows, [*acked], under)
    outbox = {row[0]: row[1:] for row in rows(OUTBOX)}
    yield from _sends(outbox, came, under)
    yield from _stale(rows, came, sum(outbox[key][3] for key in came.accepted if key in outbox), under)
    explained, broken = trail["sends"] - len(trail["unexplained"]), trail["broken"]
    chain = f"row {broken['row']} does not hold" if broken else f"{trail['rows']:,} rows of the chain hold"
    yield Figure("P12", f"sends explained, {under}", f"{explained:,} of {trail['sends']:,}; {chain}", "100%, all",
                 bool(trail["holds"]) and trail["sends"] >= len(came.accepted))  # fmt: skip


def _taken(rows: Rows, acked: Sequence[str], under: str) -> Iterator[Figure]:
    stored = {row[0] for row in rows("SELECT event_id FROM inbox")}
    answered = {row[0] for row in rows("SELECT id FROM messages WHERE author = 'patient' AND outcome_id IS NOT NULL")}
    lost = [event for event in acked if event not in stored or event not in answered]
    yield Figure("P1", f"acknowledged events lost, {under}", f"{len(lost)} of {len(acked):,}", "0", not lost)
    messages = Counter(row[0] for row in rows("SELECT id FROM messages WHERE author = 'patient'"))
    odd = sum(messages[event] != 1 for event in acked) + sum(count > 1 for count in messages.values())
    yield Figure("P3", f"events without exactly one message, {under}", f"{odd} of {len(acked):,}", "0", odd == 0)


def _sends(outbox: dict[str, tuple[Any, ...]], came: Arrivals, under: str) -> Iterator[Figure]:
    sent = {key for key, row in outbox.items() if row[0] == "sent"}
    per_version = Counter(outbox[key][1:3] for key in came.accepted if key in outbox)
    twice = sum(count - 1 for count in [*came.accepted.values(), *per_version.values()])
    figure = f"{twice} of {len(came.accepted):,} accepted; {came.repeats} repeats under their own key"
    yield Figure("P2", f"texts sent twice, {under}", figure, "0", twice == 0 and not came.problems)
    astray = [key for key in came.accepted if key not in outbox]
    astray += [key for key, user in came.to.items() if key in outbox and outbox[key][4] != user]
    yield Figure("P2", f"texts without an outbox row, or to another patient, {under}", str(len(astray)), "0",
                 not astray)  # fmt: skip
    never = sent - came.accepted.keys()
    yield Figure("P1", f"texts called sent that never arrived, {under}", str(len(never)), "0", not never)


def _stale(rows: Rows, came: Arrivals, automatic: int, under: str) -> Iterator[Figure]:
    told = f"of {len(came.accepted):,}, {automatic:,} of them automatic"
    queued = {key for (key,) in rows(QUEUED_STALE) if key in came.accepted}
    yield Figure("P5", f"texts queued after a newer message, {under}", f"{len(queued)} {told}", "0", not queued)
    tried = {
        key
        for key, received in rows(SENT_STALE)
        if key in came.accepted and float(received) < came.first_tried[key] - MOMENT_SECONDS
    }
    yield Figure("P5", f"stale texts sent, {under}", f"{len(tried)} {told}", "0", not tried)
