"""The policy's places and values in words."""

from dataclasses import dataclass

from pharmacy.domain.flow import Flow
from pharmacy.domain.policy_changes import Change
from server.console.languages import Language


@dataclass(frozen=True)
class PolicyWords:
    """The words of one language for one flow."""

    language: Language
    flow: Flow

    def place(self, place: tuple[str, ...]) -> str:
        """Return what stands at that place of a policy."""
        match place:
            case ("modes", category, phase, *_):
                return f"{self.category(category)} · {self.phase(phase)}"
            case ("marks", criterion, *_):
                found = self.flow.criteria.get(criterion)
                return self.language.coded("policy", "mark", {"criterion": found.label if found else criterion})
            case _:
                return self.language.coded("policy", place[-1])

    def value(self, change: Change, value: str | int | None) -> str:
        """Return the value that a place had or gets."""
        if value is None:
            return self.language.coded("policy", "as_lowest")
        if change.place[0] in ("mode", "modes"):
            return self.language.coded("mode", str(value))
        return self.language.number(value) if isinstance(value, int) else value

    def said(self, changes: list[Change]) -> list[tuple[str, str, str]]:
        """Return each change as what it is of, what holds, and what comes."""
        return [(self.place(each.place), self.value(each, each.old), self.value(each, each.new)) for each in changes]

    def category(self, name: str) -> str:
        """Return what a category is called."""
        return self.flow.categories[name].label if name in self.flow.categories else name

    def phase(self, name: str) -> str:
        """Return what a phase is called."""
        return self.flow.phases[name].label if name in self.flow.phases else name
