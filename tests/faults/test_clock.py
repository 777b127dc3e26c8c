"""A time of day that jumps while Kakari works: nothing expires wrongly, nothing goes out twice."""

from pathlib import Path

import psycopg

from pharmacy.storage.address import libpq, read_address
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.clock import Clock, needs_faketime
from tests.faults.processes import Kakari, until

JUMPS = ("+0", "+2h", "-2h", "+1y", "+4120d", "+0")
"""The fifth is past 2038-01-19, where a 32-bit count of seconds ends."""


@needs_faketime
def test_messages_are_answered_and_texts_sent_once_over_every_jump_of_the_clock(
    database_url: str, tmp_path: Path, provider: OpenAIFake, receiver: Receiver
) -> None:
    clock = Clock(tmp_path / "clock")
    clock.set("+0")
    variables = {
        "DATABASE_URL": database_url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k",
        "KAKARI_SETTLE_SECONDS": "0", "KAKARI_DELIVERY_URL": receiver.url, "KAKARI_DELIVERY_SECRET": receiver.secret,
    } | clock.variables  # fmt: skip
    with Kakari(tmp_path / "home", variables) as server:
        server.ready()
        with server.client() as client:
            for number, jump in enumerate(JUMPS):
                body = {"conversation_id": f"c{number}", "text": "葛根湯は食前ですか"}
                outcome = client.post("/v1/messages", json=body, params={"wait": 20})
                clock.set(jump)
                suggestion = outcome.json()["suggestion_id"]
                approved = client.post(f"/v1/suggestions/{suggestion}/approve", json={"version": 1})

                assert (outcome.status_code, approved.status_code) == (200, 200), jump
        until("every text sent", lambda: _count(database_url, "outbox WHERE state = 'sent'") == len(JUMPS), 20)

    assert len(receiver.taken) == len(receiver.tried) == len(JUMPS)
    assert _count(database_url, "outcomes") == len(JUMPS)
    assert _count(database_url, "runs WHERE state <> 'proposed'") == 0


def _count(database_url: str, what: str) -> int:
    with psycopg.connect(libpq(read_address(database_url))) as owner:
        (found,) = owner.execute(f"SELECT count(*) FROM {what}").fetchone() or (0,)  # type: ignore[call-overload]
        return int(found)
