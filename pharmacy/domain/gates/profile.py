"""What in a patient's profile takes every message to a person."""

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.facts import Patient
from pharmacy.domain.gates.hit import GateHit, Tier

_FILE = Path(__file__).with_name("profile.toml")


class ProfileRules(BaseModel):
    """The rule file's content."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    youngest_age: int
    oldest_age: int
    pregnancy: tuple[str, ...]
    conditions: Mapping[str, tuple[str, ...]]
    medicines: Mapping[str, tuple[str, ...]]


@cache
def profile_rules(file: Path = _FILE) -> ProfileRules:
    """Return the rules of `file`.

    Raises:
        ConfigError: the file is missing or not of the form expected; nothing may start without it.
    """
    try:
        return ProfileRules.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigError(f"{file.name}: {error}; expected ages, pregnancy, conditions and medicines") from error


def profile_hits(patient: Patient, now: datetime, rules: ProfileRules | None = None) -> Iterator[GateHit]:
    """Yield a hit of tier H for each entry of the profile that needs a person; a missing fact is unknown, not a hit."""
    rules = rules or profile_rules()
    if patient.pregnancy in rules.pregnancy:
        yield _hit("pregnancy", patient.pregnancy or "")
    if patient.birth_year is not None:
        # The birthday is not known, so the age is one of two; the one that gates counts.
        age = now.year - patient.birth_year
        if age - 1 < rules.youngest_age or age > rules.oldest_age:
            yield _hit("age", f"{age}")
    yield from _word_hits("condition", patient.conditions or (), rules.conditions)
    yield from _word_hits("medicine", patient.medicines or (), rules.medicines)


def _word_hits(kind: str, entries: Sequence[str], words: Mapping[str, Sequence[str]]) -> Iterator[GateHit]:
    for entry in entries:
        folded = unicodedata.normalize("NFKC", entry)
        for name, forms in words.items():
            if any(form in folded for form in forms):
                yield _hit(f"{kind}_{name}", entry)
                break


def _hit(rule: str, value: str) -> GateHit:
    return GateHit(rule=f"profile.{rule}", tier=Tier.H, span=(0, 0), matched=value)
