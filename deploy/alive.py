"""Is the process of this container at work? `serve` answers on its port; `worker` touches a file every few seconds."""

import glob
import os
import socket
import sys
import time
import urllib.request
from pathlib import Path

LONGEST_SILENCE_SECONDS = 30


def main() -> int:
    """Return 0 when it is, 1 when it is not."""
    if "worker" in Path("/proc/1/cmdline").read_text(errors="replace").split("\0"):
        home = Path(os.environ.get("KAKARI_HOME", ".kakari"))
        return int(not is_beating(home, socket.gethostname()))
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz", timeout=4) as answer:
            return int(answer.status != 200)
    except OSError:
        return 1


def is_beating(home: Path, host: str) -> bool:
    """Return whether a worker of this container beats; those of other containers may share its folder."""
    beats = [beat.stat().st_mtime for beat in home.glob(f"worker-{glob.escape(host)}-*.beat")]
    return bool(beats) and time.time() - max(beats) <= LONGEST_SILENCE_SECONDS


if __name__ == "__main__":
    sys.exit(main())
