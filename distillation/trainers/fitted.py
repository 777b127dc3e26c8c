"""What fitting a local student comes to, before it is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from distillation.trainers.port import Order, Told
from pharmacy.settings import Settings


class Weights(Protocol):
    """Whatever a student is served from."""

    def save(self, path: Path) -> None:
        """Write it to one file; the same rows give the same bytes."""
        ...


@dataclass(frozen=True)
class Fitted:
    """A student that is not kept yet."""

    weights: Weights
    said: str
    """What is known of it, in a few words."""


Fit = Callable[[Order, Settings, Told], Fitted]
