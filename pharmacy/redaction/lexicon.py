"""Frequent Japanese names, read once: in kanji, in kana, in Latin letters."""

from functools import cache
from pathlib import Path

from pharmacy.redaction.romaji import romaji
from pharmacy.redaction.words import words

_FOLDER = Path(__file__).parent

# Also a place, a prefecture or a plain word: a name only where something else says so.
AMBIGUOUS = words("also_a_place")


@cache
def surnames() -> dict[str, str]:
    """Return each frequent surname with its reading in hiragana."""
    pairs = (pair.split("=") for pair in (_FOLDER / "surnames.txt").read_text("utf-8").split())
    return dict(pairs)


@cache
def surname_readings() -> frozenset[str]:
    """Return the surnames' readings of two or more kana."""
    return frozenset(reading for reading in surnames().values() if len(reading) > 1)


@cache
def given_readings() -> frozenset[str]:
    """Return frequent given names in hiragana."""
    return frozenset((_FOLDER / "given_names.txt").read_text("utf-8").split())


@cache
def given_characters() -> frozenset[str]:
    """Return the kanji that given names are written with."""
    return frozenset((_FOLDER / "given_characters.txt").read_text("utf-8").strip())


@cache
def latin_names() -> frozenset[str]:
    """Return surnames and given names in Latin letters, small, in each usual spelling."""
    return frozenset(spelt for reading in surname_readings() | given_readings() for spelt in romaji(reading))
