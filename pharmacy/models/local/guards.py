"""The guards: words that send a message past every written reply; and the signs of how things went."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pharmacy.domain.errors import ConfigError

FILE = Path(__file__).with_name("guards.toml")


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")

    harmless: tuple[str, ...]
    guards: dict[str, tuple[str, ...]]
    elsewhere: dict[str, tuple[str, ...]]
    complaints: dict[str, tuple[str, ...]]
    signs: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class _Patterns:
    harmless: re.Pattern[str]
    guards: Mapping[str, re.Pattern[str]]
    signs: Mapping[str, re.Pattern[str]]
    elsewhere: Mapping[str, re.Pattern[str]]
    complaints: re.Pattern[str]


def guarded(text: str) -> dict[str, str]:
    """Return the guards that a folded text sets off, each with the words it saw."""
    bare = _patterns().harmless.sub("", text)
    return {name: found.group() for name, pattern in _patterns().guards.items() if (found := pattern.search(bare))}


def signs(text: str) -> frozenset[str]:
    """Return what a folded text says of how things went: `improved`, `unchanged`; a decline takes `improved` back."""
    found = {name for name, pattern in _patterns().signs.items() if pattern.search(text)}
    return frozenset(found - {"improved"} if "declined" in found else found)


def elsewhere(text: str, category: str) -> bool:
    """Whether a folded text speaks of what another category than `category` is for."""
    patterns = _patterns().elsewhere
    return bool(patterns.get(category, patterns["body"]).search(text))


def complaint_words(text: str) -> frozenset[str]:
    """Return the parts of the body and complaints that a folded text names."""
    return frozenset(_patterns().complaints.findall(text))


@cache
def _patterns(file: Path = FILE) -> _Patterns:
    try:
        rules = _Rules.model_validate(tomllib.loads(file.read_text("utf-8")))
        kinds = (rules.guards, rules.signs, rules.elsewhere)
        guards, sign, other = ({name: _any(words) for name, words in kind.items()} for kind in kinds)
        return _Patterns(_any(rules.harmless), guards, sign, other, _any(rules.complaints["words"]))
    except (OSError, tomllib.TOMLDecodeError, ValidationError, re.error, KeyError) as error:
        raise ConfigError(f"{file.name}: {error}; expected the five tables of rules") from error


def _any(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
