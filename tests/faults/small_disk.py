"""A small file system of its own, to be filled, exhausted of inodes, and made read-only."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from pharmacy.storage.embedded import EmbeddedServer

needs_mount = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")


@dataclass(frozen=True)
class SmallDisk:
    """A mounted file system."""

    place: Path

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.place / "filler").open("ab", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"\0" * 65_536)
        with (self.place / "filler").open("ab", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"\0")

    def use_up_inodes(self) -> None:
        """Leave no room for another file."""
        folder = self.place / "many"
        folder.mkdir(exist_ok=True)
        with suppress(OSError):
            for number in range(10_000_000):
                (folder / str(number)).touch()

    def relieve(self) -> None:
        """Give the room back."""
        (self.place / "filler").unlink(missing_ok=True)
        for entry in (self.place / "many").glob("*"):
            entry.unlink()

    def read_only(self, *, yes: bool) -> None:
        """Remount it for reading only, or for writing again."""
        subprocess.run(["mount", "-o", f"remount,{'ro' if yes else 'rw'}", str(self.place)], check=True)


@contextmanager
def moved_to_small_disk(home: Path, megabytes: int, inodes: int = 0) -> Iterator[SmallDisk]:
    """Make a home whose PostgreSQL lies on a file system of its own, in memory, for the block."""
    server = EmbeddedServer(home)
    server.join()
    server.leave()
    place, aside = home / "postgres", home / "postgres.aside"
    place.rename(aside)
    place.mkdir()
    owner = aside.stat()
    limits = f"size={megabytes}m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    limits += f",nr_inodes={inodes}" if inodes else ""
    subprocess.run(["mount", "-t", "tmpfs", "-o", limits, "tmpfs", str(place)], check=True)
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", str(place)], check=True)
        yield SmallDisk(place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
