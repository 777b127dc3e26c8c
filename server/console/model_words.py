"""Nodes, models, measures and steps in words."""

import re
from dataclasses import dataclass

from distillation.reasons import Reason, Value
from pharmacy.domain.flow import Flow
from pharmacy.domain.serving import Serving
from server.console.languages import Language
from server.console.policy_words import PolicyWords

_OF_ONE = re.compile(r"(?P<measure>[a-z_]+)\((?P<of>.+)\)")
_ASKED = re.compile(r"(?P<model>\S+?)@(?P<words>short|few_shot=(?P<examples>\d+))")
GENERATE = "generate_"
RECORDED = "recorded:answer"
_VALUES = {"role": "account_role", "roles": "account_role", "watch": "watch", "measure": "measure"}
"""Blank of a reason to the family of codes that its values are of."""


@dataclass(frozen=True)
class ModelWords:
    """The words of one language for one flow."""

    language: Language
    flow: Flow

    @property
    def policy(self) -> PolicyWords:
        """What categories and phases are called."""
        return PolicyWords(self.language, self.flow)

    def node(self, name: str) -> str:
        """Return what a node does."""
        if name.startswith(GENERATE):
            return f"{self.language.coded('node', 'generate')} · {self.policy.category(name.removeprefix(GENERATE))}"
        return self.language.coded("node", name)

    def option(self, name: str) -> str:
        """Return what to choose a node by: of a generator its category alone, as an option is in one language."""
        return self.policy.category(name.removeprefix(GENERATE)) if name.startswith(GENERATE) else self.node(name)

    def measure(self, name: str) -> str:
        """Return what a measure counts, such as `criterion(safety)`."""
        found = _OF_ONE.fullmatch(name)
        if not found:
            return self.language.coded("measure", name)
        return self.language.coded("measure", f"{found['measure']}_of", {"of": self.label(found["of"])})

    def check(self, name: str) -> str:
        """Return what one reason of the gate is about."""
        said = self.language.coded("check", name)
        return self.measure(name) if said == name else said

    def reason(self, of: Reason) -> str:
        """Return one reason of a check."""
        return self.language.coded("reason_of_check", of.code, {k: self._value(k, v) for k, v in of.values.items()})

    def label(self, name: str) -> str:
        """Return what a category, a phase or a criterion of the judge is called; another word as it is."""
        if name == "(none)":
            return self.language.coded("measure", "unreadable_label")
        found = self.flow.categories.get(name) or self.flow.phases.get(name) or self.flow.criteria.get(name)
        return found.label if found else name

    def answer(self, told: str) -> str:
        """Return what a model answered: a label, or the code of why its answer could not be had."""
        named = self.label(told)
        return self.language.coded("reason", told) if named == told else named

    def candidate(self, name: str) -> str:
        """Return a model of an evaluation, with the way that it was asked where that is not the node's own."""
        if name == RECORDED:
            return self.language.coded("asked", "recorded")
        found = _ASKED.fullmatch(name)
        if not found:
            return name
        how = self.language.coded("asked", found["words"].partition("=")[0], {"examples": found["examples"]})
        return f"{found['model']} ({how})"

    def serves(self, serving: Serving) -> str:
        """Return who serves, and for what share."""
        share = {"share": self.language.share(serving.canary_share)}
        said = self.language.coded("serves", serving.by, share)
        if not serving.shadow_share:
            return said
        unused = self.language.coded("serves", "shadow", {"share": self.language.share(serving.shadow_share)})
        return f"{said} · {unused}"

    def _value(self, name: str, value: Value) -> str:
        if isinstance(value, int):
            return self.language.number(value)
        said = [self.language.coded(_VALUES[name], one) if name in _VALUES else one for one in _several(value)]
        return ("、" if self.language.name == "ja" else ", ").join(said)


def _several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,)
