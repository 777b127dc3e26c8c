"""The console's keys: one table, from which both the pages' handler and the cheat sheet are made."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DESK = "desk"
TABLE = Path(__file__).with_name("keys.toml")


@dataclass(frozen=True)
class Key:
    """One key and what it stands for."""

    name: str
    code: str
    shown: tuple[str, ...]
    mod: bool = False
    alt: bool = False
    shift: bool = False
    typing: bool = False
    """True when it also acts while a text is being typed."""

    everywhere: bool = False
    """True when it acts on every page, False when on the desk, and on those named under `also`."""

    also: tuple[str, ...] = ()
    """Pages, as the navigation names them."""


@dataclass(frozen=True)
class Keys:
    """All of them, in the order of the sheet."""

    every: tuple[Key, ...]

    def on(self, here: str) -> list[Key]:
        """Return those that act on the page of that name."""
        return [key for key in self.every if key.everywhere or here == DESK or here in key.also]

    def for_page(self, here: str) -> list[dict[str, Any]]:
        """Return the page's table as its handler reads it."""
        return [
            {"name": key.name, "code": key.code, "mod": key.mod, "alt": key.alt, "shift": key.shift,
             "typing": key.typing}
            for key in self.on(here)
        ]  # fmt: skip


def read_keys(path: Path = TABLE) -> Keys:
    """Return the table.

    Raises:
        ValueError: two names share a key.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    every = tuple(
        Key(name, **{**row, "shown": tuple(row["shown"]), "also": tuple(row.get("also", ()))})
        for name, row in table.items()
    )
    strokes = [(key.code, key.mod, key.alt, key.shift) for key in every]
    if twice := {stroke for stroke in strokes if strokes.count(stroke) > 1}:
        raise ValueError(f"{path.name}: {sorted(twice)} stand for two things; expected one each")
    return Keys(every)


KEYS = read_keys()
