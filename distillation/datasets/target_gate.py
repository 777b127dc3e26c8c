"""Nothing is learnt from that could not be sent, or that would teach a model to obey words meant for it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from distillation.datasets.redacting import NOT_WORDS
from distillation.datasets.rules import Rules, letters
from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.gates.claims import LintContext, lint
from pharmacy.domain.gates.recognise import Recogniser

_NEVER_SENT = frozenset({"contact.unlisted", "name.other_patient"})
"""What holds words too that no patient reads: a judge may well quote a claim that it marks down."""

_FOR_PATIENTS = "reply"


class TargetGate:
    """Built once for a dataset."""

    def __init__(self, rules: Rules, context: LintContext, catalogue: Catalogue, recogniser: Recogniser) -> None:
        self._poison = [re.compile(pattern) for pattern in rules.poison.patterns]
        self._context = context
        self._catalogue = catalogue
        self._recogniser = recogniser
        # Approved replies repeat, and reading one takes some ten milliseconds.
        self._told: dict[tuple[object, ...], str | None] = {}

    def holds(self, answer: Mapping[str, Any], facts: str, others: frozenset[str]) -> str | None:
        """Return why `answer` may not be learnt, as a code, or None.

        Args:
            facts: the facts that it rests on, as its prompt shows them.
            others: names of other patients that stand in it.
        """
        for name, words in _words(answer):
            for_patients = name == _FOR_PATIENTS
            doses = self._catalogue.label_doses_shown(facts, words) if for_patients else {}
            key = (for_patients, words, tuple(doses.items()), others)
            if key not in self._told:
                self._told[key] = self._held(
                    words, replace(self._context, label_doses=doses, other_names=others), for_patients=for_patients
                )
            if why := self._told[key]:
                return why
        return None

    def _held(self, words: str, context: LintContext, *, for_patients: bool) -> str | None:
        if any(pattern.search(letters(words)) for pattern in self._poison):
            return "poison_instruction"
        if for_patients and self._tells_the_machine(words):
            return "poison_instruction"
        for hit in lint(words, context):
            if hit.rule == "name.other_patient":
                return "another_patients_name"
            if for_patients or hit.rule in _NEVER_SENT:
                return "output_gate"
        return None

    def _tells_the_machine(self, words: str) -> bool:
        hits = self._recogniser.recognise(words).hits
        return any(hit.rule.startswith("prompt_injection") for hit in hits)


def _words(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in answer.items():
        if isinstance(value, Mapping):
            yield from _words(value)
        elif isinstance(value, str) and value and name not in NOT_WORDS:
            yield name, value
