"""What a part is, and what it is handed: its draw, its scale, its clock, its memory and its progress bar."""

import json
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import Progress, TaskID

from tests.soak.promises import Figure

LIMIT_SECONDS = 20 * 60.0
UNDER_WAY = "under way"
"""Stands in what is kept while there is something of which only the stand-ins know."""


class OutOfTime(Exception):
    """The part's twenty minutes are over; what it has kept lets the next start go on from there."""


@dataclass
class Run:
    """One run of a part."""

    folder: Path
    """The part's own folder: what it keeps here is there again when it goes on after an interruption."""

    seed: int
    scale: float
    """1 is the full size; tests run a tiny share of it."""

    progress: Progress
    bar: TaskID
    kept: dict[str, Any] = field(default_factory=dict)
    """Plain values that outlive an interruption, once `keep` was called."""

    started: float = field(default_factory=time.monotonic)

    @property
    def was_broken_off(self) -> bool:
        """Whether the run before ended within a round, or as it waited for the last texts.

        What its stand-ins had seen is gone then, and what the database holds of it would look like a fault.
        """
        return UNDER_WAY in self.kept

    @property
    def token(self) -> str:
        """Begins names that no interrupted run before this one has used."""
        return f"{round(self.started * 1000):x}-"

    def scaled(self, full: int, least: int = 1) -> int:
        """Return `full` at the run's scale, `least` at least."""
        return max(least, round(full * self.scale))

    def draw(self, *place: object) -> random.Random:
        """Return the random numbers of one place, the same in every run with this seed."""
        return random.Random(f"{self.seed}:{place}")

    def keep(self) -> None:
        """Write `kept` where the next start finds it; a kill in the middle leaves the old one."""
        new = self.folder / "kept.new"
        new.write_text(json.dumps(self.kept))
        os.replace(new, self.folder / "kept.json")  # noqa: PTH105 (one word for what it does)

    def rounds(self, count: int, name: str = "round") -> Iterator[int]:
        """Give 0 to `count` - 1, from where the run before left off; after each the part's memory is kept.

        Raises:
            OutOfTime: twenty minutes are over; the next start goes on from here.
        """
        for number in range(self.kept.get(name, 0), count):
            if time.monotonic() - self.started > LIMIT_SECONDS:
                raise OutOfTime(f"{number} of {count}")
            self.progress.update(self.bar, completed=number, total=count)
            with self.under_way():
                yield number
                self.kept[name] = number + 1
        self.progress.update(self.bar, completed=count, total=count)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Note that the block has begun, and that it ended unless it is broken off."""
        self.kept[UNDER_WAY] = True
        self.keep()
        yield
        del self.kept[UNDER_WAY]
        self.keep()


@dataclass(frozen=True)
class Part:
    """A long run that measures figures of promises. Each file of `tests/soak/parts` has one, called PART."""

    says: str
    """One line on what it does."""

    promises: tuple[str, ...]
    minutes: float
    """How long it takes at full scale on two cores."""

    measure: Callable[[Run], Iterable[Figure]]
