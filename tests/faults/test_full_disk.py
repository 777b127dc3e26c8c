"""PostgreSQL on a file system that is full, out of inodes or read-only: 503, no false word, and soon well again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tests.fakes.openai_server import OpenAIFake
from tests.faults.postgres import Postgres
from tests.faults.processes import Kakari, until
from tests.faults.small_disk import SmallDisk, moved_to_small_disk, needs_mount
from tests.faults.writer import Writer

pytestmark = needs_mount
RECOVERY_SECONDS = 5.0
INODES = 4_000


@contextmanager
def on_small_disk(provider: OpenAIFake, logs: Path, inodes: int = 0) -> Iterator[tuple[Writer, SmallDisk, Postgres]]:
    """Run a pharmacy whose PostgreSQL lies on a small disk, and a patient who writes to it."""
    variables = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k", "KAKARI_SETTLE_SECONDS": "0"}
    home = logs / "home"
    # Where files run out, bytes must not.
    with moved_to_small_disk(home, 1_024 if inodes else 128, inodes) as disk, Kakari(home, variables) as server:
        server.ready()
        writer = Writer(server)
        writer.start()
        until("messages taken", lambda: len(writer.acked) >= 10, 20)
        try:
            yield writer, disk, Postgres(home)
        finally:
            disk.relieve()
            writer.end()


def _lost(writer: Writer, postgres: Postgres) -> list[str]:
    stored = {row[0] for row in postgres.rows_when_up("SELECT event_id FROM inbox")}
    return [event for event in writer.acked if event not in stored]


def _recovered(writer: Writer, relieved: float) -> float:
    until("a message taken after relief", lambda: max(writer.acked.values()) > relieved, 60)
    return min(at for at in writer.acked.values() if at > relieved) - relieved


def _refused(writer: Writer, again: Callable[[], None] = lambda: None) -> None:
    before = writer.statuses[503]

    def several() -> bool:
        again()
        return writer.statuses[503] >= before + 3

    until("503 for several messages", several, 60)


@pytest.mark.parametrize("fault", ["bytes", "inodes"])
def test_a_full_disk_is_503_and_nothing_acknowledged_is_lost(
    fault: str, provider: OpenAIFake, reachable: Path, figure: Callable[..., None]
) -> None:
    with on_small_disk(provider, reachable, INODES if fault == "inodes" else 0) as (writer, disk, postgres):
        if fault == "inodes":
            disk.use_up_inodes()
            # A checkpoint may give an old segment back, and one file more is there again.
            _refused(writer, lambda: _need_a_file(postgres))
        else:
            disk.fill()
            _refused(writer)

        disk.relieve()
        recovered = _recovered(writer, time.monotonic())

        writer.end()
        lost = _lost(writer, postgres)
        halves = postgres.rows_when_up(
            "SELECT count(*) FROM inbox i LEFT JOIN messages m ON m.id = i.message_id WHERE m.id IS NULL"
        )
    assert writer.odd == []
    assert halves == [(0,)]
    figure(
        "P11", f"disk out of {fault}: false acknowledgements, recovery after relief",
        measured=f"{len(lost)} of {len(writer.acked)}, {recovered:.1f} s", asked="0, 5 s",
        holds=not lost and recovered <= RECOVERY_SECONDS,
    )  # fmt: skip


def test_a_disk_that_turned_read_only_is_503_until_it_can_be_written_again(
    provider: OpenAIFake, reachable: Path, figure: Callable[..., None]
) -> None:
    with on_small_disk(provider, reachable) as (writer, disk, postgres):
        _make_read_only(disk, postgres)
        _refused(writer)

        disk.read_only(yes=False)
        recovered = _recovered(writer, time.monotonic())

        writer.end()
        lost = _lost(writer, postgres)
    assert writer.odd == []
    figure(
        "P11", "disk read-only: false acknowledgements, recovery after relief",
        measured=f"{len(lost)} of {len(writer.acked)}, {recovered:.1f} s", asked="0, 5 s",
        holds=not lost and recovered <= RECOVERY_SECONDS,
    )  # fmt: skip


def _need_a_file(postgres: Postgres) -> None:
    """Have PostgreSQL begin a new log segment, for which it needs an inode."""
    with suppress(psycopg.Error):
        for _ in range(10):
            postgres.rows("SELECT pg_switch_wal()")


def _make_read_only(disk: SmallDisk, postgres: Postgres) -> None:
    # A file system with files open for writing cannot be remounted, so PostgreSQL goes down with it, as it does when
    # the kernel itself turns a failing disk read-only.
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        postgres.stop_immediately()
        with suppress(Exception):
            disk.read_only(yes=True)
            return
        time.sleep(0.01)
    raise AssertionError("the disk could not be made read-only")
