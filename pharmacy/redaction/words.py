"""The lists of words in words.toml."""

import tomllib
from functools import cache
from pathlib import Path


def words(name: str) -> frozenset[str]:
    """Return the list called `name`."""
    return frozenset(_lists()[name].split())


@cache
def _lists() -> dict[str, str]:
    return tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))
