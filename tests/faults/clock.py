"""A time of day that a tester sets while processes run: libfaketime, read from a file at every look."""

import glob
from dataclasses import dataclass
from pathlib import Path

import pytest

LIBRARIES = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")  # noqa: PTH207 (an absolute pattern)
needs_faketime = pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not installed (apt-get install faketime)")


@dataclass(frozen=True)
class Clock:
    """The clock of the processes started with `variables`; the monotonic clock goes on as it is."""

    file: Path

    @property
    def variables(self) -> dict[str, str]:
        """What to start a process with."""
        return {
            "LD_PRELOAD": LIBRARIES[0], "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip

    def set(self, offset: str) -> None:
        """Move the time of day: `+2h`, `-2h`, `+1y`, `+0`."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.rename(self.file)
