"""System calls of PostgreSQL that fail at the n-th: it ends itself or rolls back, and nothing false is acknowledged."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.openai_server import OpenAIFake
from tests.faults.postgres import Postgres
from tests.faults.processes import Kakari, until
from tests.faults.tracer import injected, needs_strace
from tests.faults.writer import Writer

pytestmark = needs_strace


@pytest.fixture
def server(reachable: Path, provider: OpenAIFake) -> Iterator[Kakari]:
    """Return a pharmacy on its own PostgreSQL, ready."""
    variables = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k", "KAKARI_SETTLE_SECONDS": "0"}
    with Kakari(reachable / "home", variables) as serving:
        serving.ready()
        yield serving


def test_a_write_that_fails_once_is_no_false_acknowledgement(server: Kakari, figure: Callable[..., None]) -> None:
    postgres, writer = Postgres(server.home), Writer(server)
    writer.start()
    until("messages taken", lambda: len(writer.acked) >= 5, 20)

    for call, error, at in (("fdatasync", "EIO", 2), ("pwrite64", "ENOSPC", 1), ("pwrite64", "ENOSPC", 3)):
        before = len(writer.acked)
        postgres.rows_when_up("SELECT 1")
        with injected([postgres.pid, *postgres.children()], call, f"error={error}", at):
            until(
                "messages taken or refused", lambda before=before: len(writer.acked) + writer.refused > before + 20, 60
            )
        until("messages taken again", lambda before=before: len(writer.acked) > before + 5, 60)

    writer.end()
    stored = {row[0] for row in postgres.rows_when_up("SELECT event_id FROM inbox")}
    lost = [event for event in writer.acked if event not in stored]
    assert writer.odd == []
    figure(
        "P1", "false acknowledgements, fdatasync EIO and pwrite64 ENOSPC once each in PostgreSQL",
        measured=f"{len(lost)} of {len(writer.acked)}", asked="0", holds=not lost,
    )  # fmt: skip
