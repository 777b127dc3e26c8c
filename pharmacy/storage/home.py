"""KAKARI_HOME: a folder that only its owner and the embedded server's user can enter."""

import os
import stat
from pathlib import Path

from pharmacy.domain.errors import ConfigError

OWNER_ONLY = 0o700
OTHERS_PASS = stat.S_IXOTH


def prepare_home(home: Path) -> Path:
    """Return `home` as an absolute folder that exists, closed to everybody else.

    A folder that is more than Kakari's (the working folder or one above it, a shared one such as /tmp) keeps its mode.

    Raises:
        ConfigError: it cannot be made, or is no folder.
    """
    home = home.expanduser().absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        home = home.resolve()
        if not _is_shared(home):
            home.chmod(OWNER_ONLY)
    except OSError as error:
        raise ConfigError(
            f"KAKARI_HOME={str(home)!r}: {error.strerror}; a folder this user may write to is expected"
        ) from error
    return home


def let_in(folder: Path, uid: int, gid: int) -> None:
    """Make `folder` reachable for another user: hand a private home over, and let him pass through what lies above.

    Passing is all that the folders above are opened for (711, not 755): their content stays unlisted.
    """
    if not _is_shared(folder):
        os.chown(folder, uid, gid)
    let_pass(folder, uid)


def let_pass(place: Path, uid: int) -> None:
    """Let `uid` pass through every folder above `place`."""
    for folder in place.parents:
        state = folder.stat()
        if state.st_uid != uid and not state.st_mode & OTHERS_PASS:
            folder.chmod(stat.S_IMODE(state.st_mode) | OTHERS_PASS)


def write_secret(place: Path, secret: str) -> None:
    """Write `secret` to `place`, whole or not at all, readable by its owner alone."""
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret)
        file.flush()
        os.fsync(descriptor)
    draft.replace(place)


def _is_shared(folder: Path) -> bool:
    here = Path.cwd()
    return (
        folder == here or folder in here.parents or folder == Path.home() or bool(folder.stat().st_mode & stat.S_ISVTX)
    )
