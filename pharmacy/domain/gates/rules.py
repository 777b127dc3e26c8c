"""Rule files: what each category holds, read once, refused whole when anything in them is not as described."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import re2

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.gates.words import Vocabulary, read_toml, text_list

FOLDER = Path(__file__).parent / "rules"
VOCABULARY = "vocabulary.toml"
CATEGORIES: Mapping[str, Tier] = {
    "emergency_cardio_resp": Tier.E,
    "emergency_neuro": Tier.E,
    "anaphylaxis_severe_allergy": Tier.E,
    "emergency_gi_bleeding": Tier.E,
    "emergency_metabolic_infection": Tier.E,
    "self_harm_suicide": Tier.E,
    "overdose_poisoning_ingestion": Tier.E,
    "obfuscated_emergency": Tier.E,
    "violence_abuse": Tier.E,
    "adverse_reaction": Tier.U,
    "pregnancy_lactation": Tier.U,
    "drug_interaction": Tier.U,
    "special_population": Tier.U,
    "diagnosis_lab_request": Tier.U,
    "stop_change_prescription": Tier.U,
    "disease_cure_claim": Tier.U,
    "complaint_incident": Tier.H,
    "privacy_rights": Tier.H,
    "human_requested": Tier.H,
    "misuse_diversion": Tier.H,
    "prompt_injection": Tier.H,
}
"""Every category that must have at least one rule of its tier. Source: PROMISES.md 5.1."""

_FILE_KEYS = {"category", "tier", "rule"}
_RULE_KEYS = {
    "name", "tier", "say", "also", "within", "unless", "unless_in_message", "not_followed_by",
    "negation_counts", "past_counts", "hint", "witness", "hits", "misses",
}  # fmt: skip


class Trust(StrEnum):
    """Whether a rule holds a message without being asked twice."""

    ALONE = "alone"
    """It does: what it says is in no harmless message that we know."""

    WITNESS = "witness"
    """Unless the likeness is sure that the message is harmless: its words stand in harmless messages too."""

    HINT = "hint"
    """Only where the likeness agrees; its sign is weighed there."""


@dataclass(frozen=True)
class Rule:
    """One thing that holds a message: something said, what must go with it, and what takes it back."""

    name: str
    """Category and name, such as `emergency_cardio_resp.chest_pain`."""

    tier: Tier
    say: "re2._Regexp[bytes]"
    also: tuple["re2._Regexp[bytes]", ...]
    """Each must be found too."""

    also_in_sentence: bool
    """Whether `also` is looked for in the sentence of `say` only, else in the whole message."""

    unless: "re2._Regexp[bytes] | None"
    """Found in the same sentence it takes the rule back."""

    unless_in_message: "re2._Regexp[bytes] | None"
    not_followed_by: "re2._Regexp[bytes] | None"
    """Found right after what was said it takes this one finding back."""

    negation_cancels: bool
    """Whether "not" right after what was said takes this one finding back."""

    past_cancels: bool
    """Whether a finding that is long past, resolved and not asked about is let go."""

    trust: Trust

    hits: tuple[str, ...]
    """Texts the rule must hold."""

    misses: tuple[str, ...]
    """Texts the rule must let go."""


def read_rules(folder: Path, vocabulary: Vocabulary) -> tuple[Rule, ...]:
    """Return the rules of every category, most pressing tier first.

    Raises:
        ConfigError: a file is missing or not as described in any point, or a category lost its rules.
    """
    known = {f"{category}.toml" for category in CATEGORIES} | {VOCABULARY}
    if unknown := {path.name for path in folder.glob("*")} - known:
        raise ConfigError(f"{folder.name}: {sorted(unknown)} belongs to no category, expected only {sorted(known)}")
    rules = [rule for category in CATEGORIES for rule in _read_category(folder, category, vocabulary)]
    if len({rule.name for rule in rules}) < len(rules):
        names = [rule.name for rule in rules]
        raise ConfigError(
            f"{folder.name}: {sorted({n for n in names if names.count(n) > 1})} is named twice, expected once"
        )
    return tuple(sorted(rules, key=lambda rule: "EUH".index(rule.tier)))


def _read_category(folder: Path, category: str, vocabulary: Vocabulary) -> Iterator[Rule]:
    file = f"{category}.toml"
    tables = read_toml(folder / file)
    _refuse_unknown(tables, _FILE_KEYS, file)
    if tables.get("category") != category:
        raise ConfigError(f"{file}: category is {tables.get('category')!r}, expected {category!r}")
    required = CATEGORIES[category]
    if tables.get("tier") != required:
        raise ConfigError(f"{file}: tier is {tables.get('tier')!r}, expected {str(required)!r}")
    entries = tables.get("rule")
    if not isinstance(entries, list) or not any(
        isinstance(entry, dict) and entry.get("tier", required) == required for entry in entries
    ):
        raise ConfigError(f"{file}: has no rule of tier {required}, expected at least one [[rule]]")
    for entry in entries:
        yield _read_rule(entry, category, required, vocabulary)


def _read_rule(entry: dict[str, Any], category: str, tier: Tier, vocabulary: Vocabulary) -> Rule:
    name = entry.get("name")
    if not isinstance(name, str) or not name.isidentifier():
        raise ConfigError(f"{category}.toml: a rule's name is {name!r}, expected one word of letters and underscores")
    place = f"{category}.toml: {name}"
    _refuse_unknown(entry, _RULE_KEYS, place)

    def pattern(key: str) -> "re2._Regexp[bytes] | None":
        return vocabulary.pattern(text_list(entry[key], f"{place}: {key}"), f"{place}: {key}") if key in entry else None

    say = pattern("say")
    if say is None:
        raise ConfigError(f"{place}: say is missing, expected the words that are held")
    also = entry.get("also", [])
    if not isinstance(also, list):
        raise ConfigError(f"{place}: also is {also!r}, expected a list of lists of texts")
    return Rule(
        name=f"{category}.{name}",
        tier=_tier(entry.get("tier", tier), place),
        say=say,
        also=tuple(vocabulary.pattern(text_list(words, f"{place}: also"), f"{place}: also") for words in also),
        also_in_sentence=_one_of(entry, "within", ("message", "sentence"), place) == "sentence",
        unless=pattern("unless"),
        unless_in_message=pattern("unless_in_message"),
        not_followed_by=pattern("not_followed_by"),
        negation_cancels=not _one_of(entry, "negation_counts", (False, True), place),
        past_cancels=not _one_of(entry, "past_counts", (False, True), place),
        trust=_trust(entry, place),
        hits=tuple(text_list(entry.get("hits"), f"{place}: hits")),
        misses=tuple(text_list(entry.get("misses"), f"{place}: misses")),
    )


def _trust(entry: Mapping[str, Any], place: str) -> Trust:
    if _one_of(entry, "hint", (False, True), place):
        return Trust.HINT
    return Trust.WITNESS if _one_of(entry, "witness", (False, True), place) else Trust.ALONE


def _tier(value: object, place: str) -> Tier:
    if value not in set(Tier):
        raise ConfigError(f"{place}: tier is {value!r}, expected one of {[str(tier) for tier in Tier]}")
    return Tier(str(value))


def _one_of(entry: Mapping[str, Any], key: str, choices: tuple[object, ...], place: str) -> object:
    """Return the entry's `key`, by default the first of `choices`."""
    value = entry.get(key, choices[0])
    if type(value) is not type(choices[0]) or value not in choices:
        raise ConfigError(f"{place}: {key} is {value!r}, expected one of {list(choices)}")
    return value


def _refuse_unknown(table: object, keys: set[str], place: str) -> None:
    if not isinstance(table, dict):
        raise ConfigError(f"{place}: is {table!r}, expected a table")
    if unknown := table.keys() - keys:
        raise ConfigError(f"{place}: {sorted(unknown)} is not known, expected only {sorted(keys)}")
