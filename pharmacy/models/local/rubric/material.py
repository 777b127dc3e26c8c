"""What the rubric reads: the draft, the facts, the conversation, and the words to compare by."""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pharmacy.domain.errors import ConfigError
from pharmacy.models.local.exchange import Exchange
from pharmacy.models.local.formulas import named
from pharmacy.models.local.sheet import Sheet
from pharmacy.models.local.wording import folded, sentences

_FILE = Path(__file__).with_name("words.toml")


@dataclass(frozen=True)
class Verdict:
    """One criterion's mark, 1 to 5, with the reason for it in Japanese."""

    mark: int
    reason: str


class Words(BaseModel):
    """The word file's content: groups of words that stand for the same thing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    complaints: tuple[tuple[str, ...], ...]
    matters: tuple[tuple[str, ...], ...]
    crude_drugs: tuple[tuple[str, str], ...]


@cache
def words() -> Words:
    """Return the words to compare by.

    Raises:
        ConfigError: the word file is missing or not of the form expected.
    """
    try:
        return Words.model_validate(tomllib.loads(_FILE.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigError(f"{_FILE.name}: {error}; expected groups of words") from error


@dataclass(frozen=True)
class Material:
    """Everything that a draft is held against."""

    category: str
    phase: str
    draft: str
    facts: str
    sheet: Sheet
    exchange: Exchange

    @classmethod
    def read(cls, blanks: Mapping[str, str]) -> Self:
        """Return the material in a judge prompt's blanks.

        Raises:
            KeyError: a blank is missing.
            ValueError: a blank is not of its form.
        """
        facts, draft = blanks["facts"], _draft(blanks["draft"])
        exchange = Exchange.read(blanks["conversation"])
        return cls(blanks["category"], blanks["phase"], draft, facts, Sheet.read(facts), exchange)

    @cached_property
    def words(self) -> str:
        """The draft, folded."""
        return folded(self.draft)

    @cached_property
    def asked(self) -> str:
        """The words to answer, folded."""
        return folded(self.exchange.text)

    @cached_property
    def known(self) -> str:
        """Facts and conversation in one folded text: all that a draft may repeat."""
        return folded("\n".join((self.facts, self.exchange.text, *self.exchange.turns)))

    @cached_property
    def sentences(self) -> Sequence[str]:
        """The draft's sentences, folded."""
        return sentences(self.words)

    @cached_property
    def formulas(self) -> tuple[str, ...]:
        """The formulas that the draft names."""
        return named(self.draft, self.sheet.formulas)

    @cached_property
    def told_formulas(self) -> frozenset[str]:
        """The formulas that the conversation names."""
        return frozenset(named("\n".join((self.exchange.text, *self.exchange.turns)), self.sheet.formulas))


def is_question(sentence: str) -> bool:
    """Whether a folded sentence asks the patient something."""
    return sentence.rstrip("。 ").endswith(("か", "?")) or "教えて" in sentence or "聞かせ" in sentence


def worst(findings: Iterable[Verdict], best: Verdict) -> Verdict:
    """Return the lowest finding, or `best` when there is none."""
    return min(findings, key=lambda verdict: verdict.mark, default=best)


def _draft(blank: str) -> str:
    try:
        read = json.loads(blank)
    except json.JSONDecodeError:
        return blank
    return read if isinstance(read, str) else blank
