"""One `kakari serve` at a time on one KAKARI_HOME."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pharmacy.storage.home import prepare_home
from pharmacy.storage.refusals import StoreError


class AlreadyServing(StoreError):
    """Another `kakari serve` works on this KAKARI_HOME; the message says which, and where."""


@contextmanager
def serving(home: Path, host: str, port: int) -> Iterator[None]:
    """Hold the right to serve `home` from `host`:`port`; a process that dies loses it.

    Raises:
        AlreadyServing: another process holds it.
    """
    home = prepare_home(home)
    lock = os.open(home / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        told = _told(os.pread(lock, 1000, 0))
        os.close(lock)
        raise AlreadyServing(
            f"KAKARI_HOME={str(home)!r} is served by {told}; stop it, or set another KAKARI_HOME"
        ) from None
    try:
        os.truncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": os.getpid(), "host": host, "port": port}).encode(), 0)
        yield
    finally:
        os.close(lock)


def _told(written: bytes) -> str:
    try:
        other = json.loads(written)
        return f"process {other['pid']} at http://{other['host']}:{other['port']}"
    except (ValueError, KeyError, TypeError):
        return "another process that is just starting"
