"""Doses in an outgoing text that are above what the label says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import re2

from pharmacy.domain.gates.claims_view import ENDS, letters

Span = tuple[int, int]

UNLABELLED = "1回1包、1日3回"
"""What holds where no label is given: nothing on a kampo shelf is taken more often."""

_UNITS = {"袋": "包", "すてぃっく": "包", "粒": "錠", "かぷせる": "錠", "ぐらむ": "g", "みりりっとる": "ml"}
_AMOUNT = r"(?:[0-9.]+[~、])?([0-9]+(?:\.[0-9]+)?)(包|袋|すてぃっく|錠|粒|丸|本|かぷせる|ml|みりりっとる|g|ぐらむ)"
_DAY = r"(?:1日|日に|毎日)(?:に|の量は|量は|用量は|あたり|につき|で|合計|計|最大|全部で|合わせて|あわせて){0,2}"
_TIMES = re2.compile(rf"{_DAY}(?:[0-9]+[~、])?([0-9]+)回|(?:[0-9]+[~、])?([0-9]+)回に(?:分|わ)")
_DAILY = re2.compile(rf"{_DAY}{_AMOUNT}")
_EACH = re2.compile(
    rf"(?:1回|1度|毎回|毎食|食前|食間|食後|朝|昼|夕|晩|夜|寝る前|飲むとき)(?:に|の量は|量は|あたり|につき|で|は){{0,2}}{_AMOUNT}|{_AMOUNT}ずつ"
)
_ANY = re2.compile(_AMOUNT)
_NOT_ADVISED = re2.compile(
    "ないで|控え|しまっ|しまい|過ぎ|すぎ|とのこと|と(?:伺|うかが)|多い(?:です|量)|誤って|間違えて"
)
_KANJI_NUMBER = re2.compile("([一二三四五六七八九])(日|回|度|包|袋|錠|粒|丸|本|ぐらむ|すてぃっく|かぷせる)")
_DIGITS = str.maketrans("一二三四五六七八九", "123456789")


@dataclass
class Dose:
    """How much, by unit, at most; an absent unit is not stated."""

    times: int = 0
    """Times a day, 0 when not stated."""

    each: dict[str, float] = field(default_factory=dict)
    daily: dict[str, float] = field(default_factory=dict)

    def exceeds(self, label: "Dose") -> bool:
        """Return whether this is more often, or more at a time or in a day, than `label` allows."""
        taken = dict(self.daily)
        for unit, amount in self.each.items():
            taken[unit] = max(taken.get(unit, 0), amount * max(self.times, 1))
        return (
            self.times > label.times > 0
            or any(amount > label.each.get(unit, amount) for unit, amount in self.each.items())
            or any(amount > label.daily.get(unit, amount) for unit, amount in taken.items())
        )


def doses_above_label(words: str, labels: Mapping[str, str]) -> Iterator[Span]:
    """Yield the spans in `words`, a view of letters, of sentences that advise more than the label does.

    The label is that of the formula named last; without a name, the most generous one.
    """
    labelled = _labelled(tuple(labels.items()))
    named: Sequence[Dose] = ()
    for start, end in _sentences(words):
        sentence = _with_digits(words[start:end])
        named = [dose for name, dose in labelled if name in sentence] or named
        limits = named or [dose for _, dose in labelled] or [_label_dose(UNLABELLED)]
        stated = _stated_dose(sentence)
        if all(stated.exceeds(limit) for limit in limits) and not _NOT_ADVISED.search(sentence):
            yield start, end


def _sentences(words: str) -> Iterator[Span]:
    start = 0
    for place, char in enumerate(words + "。"):
        if char in ENDS:
            if start < place:
                yield start, min(place, len(words))
            start = place + 1


def _stated_dose(sentence: str) -> Dose:
    dose = Dose(times=max((int(a or b) for a, b in _groups(_TIMES, sentence)), default=0))
    for amount, unit in _groups(_DAILY, sentence):
        _keep_most(dose.daily, amount, unit)
    for amount, unit, more, more_unit in _groups(_EACH, sentence):
        _keep_most(dose.each, amount or more, unit or more_unit)
    return dose


@lru_cache(maxsize=64)
def _labelled(labels: tuple[tuple[str, str], ...]) -> Sequence[tuple[str, Dose]]:
    """Return each formula, as a view of letters has it, with what its label allows."""
    return [(letters(formula).text, _label_dose(label)) for formula, label in labels]


def _label_dose(label: str) -> Dose:
    words = _with_digits(letters(label).text)
    dose = Dose(times=max((int(a or b) for a, b in _groups(_TIMES, words)), default=0))
    for amount, unit in _groups(_DAILY, words):
        _keep_most(dose.daily, amount, unit)
    parts = dose.daily if "回に" in words else dose.each
    for amount, unit in _groups(_ANY, _DAILY.sub("", words)):
        _keep_most(parts, amount, unit)
    for unit, most in dose.each.items():
        _keep_most(dose.daily, most * max(dose.times, 1), unit)
    return dose


def _groups(pattern: "re2._Regexp[str]", words: str) -> Iterator[tuple[str, ...]]:
    return (tuple(group or "" for group in match.groups()) for match in pattern.finditer(words))


def _keep_most(amounts: dict[str, float], amount: str | float, unit: str) -> None:
    unit = _UNITS.get(unit, unit)
    amounts[unit] = max(amounts.get(unit, 0), float(amount))


def _with_digits(words: str) -> str:
    return str(_KANJI_NUMBER.sub(lambda match: match.group().translate(_DIGITS), words))
