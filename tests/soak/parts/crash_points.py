"""One message at a time through a crash at every point: the n-th send of the program, the n-th write of PostgreSQL."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import httpx2
import psycopg

from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.rules import everyday
from tests.faults.tracer import injected
from tests.soak.part import Part, Run
from tests.soak.pharmacy import Pharmacy
from tests.soak.promises import Figure

POINTS = [("program", "sendto", number) for number in range(1, 101)]
POINTS += [("postgres", call, number) for call in ("fdatasync", "pwrite64") for number in range(1, 16)]


def measure(run: Run) -> Iterator[Figure]:
    """Crash at each point in turn; the message must come through it with one row, one outcome and one text."""
    step = max(1, round(1 / run.scale))
    points = POINTS[::step]
    with OpenAIFake() as provider, Receiver("s" * 32) as receiver:
        provider.script.rule = everyday
        pharmacy = Pharmacy(run.folder / "home", provider, receiver, {"KAKARI_SETTLE_SECONDS": "0"})
        try:
            run.kept["key"] = pharmacy.serve(run.kept.get("key"))
            wrong: list[str] = run.kept.setdefault("wrong", [])
            crashes = run.kept.setdefault("crashes", 0)
            for number in run.rounds(len(points)):
                crashed, problem = _through(pharmacy, receiver, run.kept["key"], number, points[number])
                run.kept["crashes"] = crashes = crashes + crashed
                wrong += [f"{points[number]}: {problem}"] if problem else []
        finally:
            pharmacy.down()
    for problem in wrong:
        print(problem)
    told = f"{len(wrong)} of {len(points)} points, {crashes} of which crashed within the message's way"
    yield Figure("P1", "crash points with a loss or a second outcome or text", told, "0", not wrong)


def _through(
    pharmacy: Pharmacy, receiver: Receiver, key: str, number: int, point: tuple[str, str, int]
) -> tuple[bool, str]:
    who, call, at = point
    conversation, accepted = f"c{number}-{at}", len(receiver.taken)
    postgres, before = pharmacy.postgres, pharmacy.postgres.children()
    pids = [pharmacy.server.pid] if who == "program" else [postgres.pid, *before]
    with injected(pids, call, "signal=KILL", at):
        _walk(pharmacy, key, conversation)
    crashed = _is_dead(pharmacy) if who == "program" else not set(before) <= set(postgres.children())
    if _is_dead(pharmacy):
        pharmacy.server.start().ready()
    _walk(pharmacy, key, conversation)
    found = _counted(pharmacy, conversation)
    found["accepted"] = len(receiver.taken) - accepted
    expected = {"messages": 1, "outcomes": 1, "sent": 1, "accepted": 1}
    return crashed, "" if found == expected else f"{dict(found)}"


def _is_dead(pharmacy: Pharmacy) -> bool:
    return pharmacy.server.process is None or pharmacy.server.process.poll() is not None


def _walk(pharmacy: Pharmacy, key: str, conversation: str) -> None:
    """Bring the message as far as it goes: taken, drafted, approved, sent; end early when the program is dead."""
    server, deadline = pharmacy.server, time.monotonic() + 40
    body = {"conversation_id": conversation, "message_id": f"e-{conversation}", "text": "葛根湯は食前ですか"}
    with server.client(key, timeout=5) as client:
        while time.monotonic() < deadline and not _is_dead(pharmacy):
            with suppress(httpx2.HTTPError, psycopg.OperationalError):
                if client.post("/v1/messages", json=body).status_code == 202:
                    open_ones = {"conversation_id": conversation}
                    for item in client.get("/v1/suggestions", params=open_ones).json().get("items", ()):
                        client.post(f"/v1/suggestions/{item['id']}/approve", json={"version": item["version"]})
                    if _counted(pharmacy, conversation)["sent"]:
                        return
            time.sleep(0.05)


COUNTS = """
SELECT (SELECT count(*) FROM messages WHERE author = 'patient' AND conversation_id = %s),
       (SELECT count(*) FROM outcomes WHERE conversation_id = %s),
       (SELECT count(*) FROM outbox WHERE state = 'sent' AND conversation_id = %s)
"""


def _counted(pharmacy: Pharmacy, conversation: str) -> Counter[str]:
    ((messages, outcomes, sent),) = pharmacy.postgres.rows_when_up(COUNTS, conversation, conversation, conversation)
    return Counter({"messages": messages, "outcomes": outcomes, "sent": sent})


PART = Part("crash program and PostgreSQL at every point of one message's way", ("P1", "P2"), 20, measure)
