"""The claim rules as their file states them, compiled for a linear-time matcher."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import re2
from pydantic import BaseModel, ConfigDict, Field

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.claims_view import TO_HIRAGANA
from pharmacy.domain.toml_file import TomlFile

RULE_FILE = Path(__file__).with_name("claims.toml")

WORD_KINDS = frozenset(
    {"guarantee", "safety", "disease_cure", "diagnosis", "prescription", "dose", "endorsement", "single_herb", "prompt"}
)
"""Kinds of rule that the file must hold; without one of them nothing may be sent."""

CODE_RULES = frozenset(
    {
        "contact.unlisted",
        "name.other_patient",
        "prompt.copied",
        "dose.above_label",
        "form.hidden",
        "form.empty",
        "form.long",
    }
)
"""Rules that are code; the file gives their reasons."""

_WORD = re2.compile(r"<([a-z_]+)>")
_DEPTH = 3


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1)
    claims: list[str] = Field(min_length=1)
    unless: list[str] = []
    deniable: bool = True


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    words: dict[str, list[str]]
    denied_after: list[str] = Field(min_length=1)
    code_reasons: dict[str, str]
    rules: dict[str, dict[str, _Rule]]


@dataclass(frozen=True)
class ClaimRule:
    """One kind of words that may not be sent."""

    name: str
    reason: str
    claims: tuple[Any, ...]
    """Compiled patterns; each match is a claim."""

    any_claim: Any
    """All of `claims` as one: a text without a match of it, as most are, needs no second look."""

    unless: tuple[Any, ...]
    """Compiled patterns; a claim that lies inside a match of one is none."""

    deniable: bool
    """False when even a denied claim may not be sent."""


@dataclass(frozen=True)
class ClaimRules:
    """All rules of the output gate."""

    rules: tuple[ClaimRule, ...]
    denied_after: tuple[Any, ...]
    """Compiled patterns for what follows a claim and takes it back."""

    code_reasons: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=16)
def load_rules(file: Path = RULE_FILE, crude_drugs: frozenset[str] = frozenset()) -> ClaimRules:
    """Return the rules of `file`, with `crude_drugs` beside the ones it lists.

    Raises:
        ConfigError: the file is missing or broken, lacks a kind of rule, or holds a pattern that does not compile.
    """
    read = TomlFile.read(file).table((), _File)
    if lacking := (WORD_KINDS - read.rules.keys()) | (CODE_RULES - read.code_reasons.keys()):
        raise ConfigError(f"{file}: lacks {sorted(lacking)}; the output gate must know every kind")
    words = {name: tuple(forms) for name, forms in read.words.items()}
    words["crude_drug"] = (*words.get("crude_drug", ()), *(re.escape(drug) for drug in sorted(crude_drugs)))
    return _compiled(read, words, file)


def _compiled(read: _File, words: Mapping[str, tuple[str, ...]], file: Path) -> ClaimRules:
    def compiled(patterns: list[str], place: str) -> tuple[Any, ...]:
        return tuple(_pattern(pattern, words, f"{file}: {place}") for pattern in patterns)

    rules = tuple(
        ClaimRule(
            name,
            rule.reason,
            compiled(rule.claims, name),
            compiled(["|".join(f"(?:{claim})" for claim in rule.claims)], name)[0],
            compiled(rule.unless, name),
            rule.deniable,
        )
        for kind, members in read.rules.items()
        for name, rule in ((f"{kind}.{member}", rule) for member, rule in members.items())
    )
    return ClaimRules(rules, compiled(read.denied_after, "denied_after"), read.code_reasons, words)


def _pattern(pattern: str, words: Mapping[str, tuple[str, ...]], place: str) -> Any:
    expanded = _expanded(pattern, words, place)
    try:
        return re2.compile(expanded.translate(TO_HIRAGANA), _options())
    except re2.error as error:
        raise ConfigError(f"{place}: {pattern!r} is no pattern: {error}") from error


def _expanded(pattern: str, words: Mapping[str, tuple[str, ...]], place: str) -> str:
    expanded = pattern
    # Words may use words; deeper than this they would go in a circle.
    for _ in range(_DEPTH):
        for name in _WORD.findall(expanded):
            if name not in words:
                raise ConfigError(f"{place}: <{name}> is none of the words {sorted(words)}")
            expanded = expanded.replace(f"<{name}>", f"(?:{'|'.join(words[name])})")
    if left := _WORD.search(expanded):
        raise ConfigError(f"{place}: {left[0]} stands inside itself, expected words of at most {_DEPTH} levels")
    return expanded


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20  # the engine's default, 8 MiB, throws its state away in the middle of a long text
    return options
