"""What is counted at the end of a run: nothing acknowledged lost, nothing sent twice, nothing stale."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.fakes.receiver import Receiver
from tests.soak.promises import Figure

Rows = Callable[[str], Sequence[tuple[Any, ...]]]
"""Runs a query as the database's owner."""

WAITING = "SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NULL"
QUEUED = "SELECT count(*) FROM outbox WHERE state = 'queued'"
OPEN = "SELECT count(*) FROM suggestions WHERE state = 'open'"
# The newest version that the patient had reached when each text was first tried, but for what came in its last second:
# between the comparison and the push there is always a moment.
NEWEST = """
SELECT o.retry_key::text, o.version, extract(epoch FROM m.received_at) FROM outbox o
JOIN messages m ON m.pharmacy_id = o.pharmacy_id AND m.conversation_id = o.conversation_id
WHERE m.author = 'patient' AND m.version > o.version
"""
MOMENT_SECONDS = 1.0


def drained(rows: Rows) -> bool:
    """Return whether every message has its outcome and every text is out or with a person."""
    return all(rows(query)[0][0] == 0 for query in (WAITING, OPEN, QUEUED))


def counted(rows: Rows, acked: Mapping[str, Any], receiver: Receiver, kills: str) -> Iterator[Figure]:
    """Give the figures of P1, P2, P3 and P5."""
    stored = {row[0] for row in rows("SELECT event_id FROM inbox")}
    answered = {row[0] for row in rows("SELECT id FROM messages WHERE author = 'patient' AND outcome_id IS NOT NULL")}
    lost = [event for event in acked if event not in stored or event not in answered]
    yield Figure("P1", f"acknowledged events lost, {kills}", f"{len(lost)} of {len(acked):,}", "0", not lost)
    messages = Counter(row[0] for row in rows("SELECT id FROM messages WHERE author = 'patient'"))
    twice = sum(count - 1 for count in messages.values())
    yield Figure("P3", f"events with two messages, {kills}", f"{twice} of {len(messages):,}", "0", twice == 0)
    yield from _sends(rows, receiver, kills)


def _sends(rows: Rows, receiver: Receiver, kills: str) -> Iterator[Figure]:
    outbox = {row[0]: row[1:] for row in rows("SELECT retry_key::text, state, conversation_id, version FROM outbox")}
    sent = {key for key, row in outbox.items() if row[0] == "sent"}
    accepted = receiver.taken.keys()
    unknown, never = accepted - outbox.keys(), sent - accepted
    per_version = Counter(outbox[key][1:] for key in accepted if key in outbox)
    twice = sum(count - 1 for count in per_version.values()) + len(unknown)
    figure = f"{twice} of {len(accepted):,} accepted; {len(receiver.tried) - len(accepted)} repeats under their own key"
    yield Figure("P2", f"texts sent twice, {kills}", figure, "0", twice == 0 and not receiver.problems)
    yield Figure("P1", f"approved texts called sent that never arrived, {kills}", str(len(never)), "0", not never)
    stale = {
        key
        for key, _, received in rows(NEWEST)
        if key in accepted and float(received) < receiver.first_tried[key] - MOMENT_SECONDS
    }
    yield Figure("P5", f"stale texts sent, {kills}", f"{len(stale)} of {len(accepted):,}", "0", not stale)
