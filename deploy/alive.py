"""Is the process of this container at work? `serve` answers on its port; `worker` touches a file every few seconds."""

import os
import sys
import time
import urllib.request
from pathlib import Path

LONGEST_SILENCE_SECONDS = 30


def main() -> int:
    """Return 0 when it is, 1 when it is not."""
    if "worker" in Path("/proc/1/cmdline").read_text(errors="replace").split("\0"):
        beat = Path(os.environ.get("KAKARI_HOME", ".kakari")) / "worker.beat"
        return int(not beat.exists() or time.time() - beat.stat().st_mtime > LONGEST_SILENCE_SECONDS)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz", timeout=4) as answer:
            return int(answer.status != 200)
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
