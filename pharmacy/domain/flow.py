"""The flow file's content: categories, phases, criteria, and what each may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AnsweredBy(StrEnum):
    """Who may write the reply of a category."""

    MACHINE = "machine"
    PHARMACIST = "pharmacist"
    """Not yet good enough for a machine: always a handover."""


@dataclass(frozen=True)
class Category:
    """What a conversation can be about."""

    name: str
    label: str
    """The name a pharmacist reads, in Japanese."""

    described: str
    """One or two Japanese sentences for the classifier's prompt."""

    answered_by: AnsweredBy
    facts: tuple[str, ...] = ()
    """Which facts its generator and judge are given: `patient.medicines`, `product.timing` …"""

    openings: tuple[str, ...] = ()
    """Whole messages, such as a menu button's text, that name this category by themselves."""

    cacheable: bool = False
    """Whether a question that was asked before may be answered from memory, where a pharmacy wants that."""

    @property
    def node(self) -> str:
        """The name of its generator's node."""
        return f"generate_{self.name}"


@dataclass(frozen=True)
class Phase:
    """Where the patient stands."""

    name: str
    label: str
    described: str
    next: tuple[str, ...] = ()
    """Phases this one may move to; staying is always allowed."""


@dataclass(frozen=True)
class Criterion:
    """One thing the judge marks."""

    name: str
    label: str
    described: str
    bar: int
    """Whole number 1 to 5: the lowest mark that passes."""


@dataclass(frozen=True)
class Flow:
    """Everything that the flow file says, in its order."""

    categories: Mapping[str, Category]
    phases: Mapping[str, Phase]
    criteria: Mapping[str, Criterion]
    draft_cap: int
    """How many drafts one message may cost, 1 to 5."""

    first_phase: str
    window_turns: int
    """How many of the newest turns a run sees."""

    @property
    def machine_categories(self) -> tuple[Category, ...]:
        """Categories that have a generator."""
        return tuple(c for c in self.categories.values() if c.answered_by is AnsweredBy.MACHINE)

    def phases_after(self, phase: str) -> tuple[str, ...]:
        """Return `phase` itself and the phases it may move to."""
        return (phase, *self.phases[phase].next)

    def described_categories(self) -> str:
        """Return the categories as a prompt lists them, one line each."""
        return "\n".join(f"- {c.name}({c.label}): {c.described}" for c in self.categories.values())

    def described_phases(self) -> str:
        """Return the phases as a prompt lists them, with where each may go next."""
        return "\n".join(
            f"- {p.name}({p.label}): {p.described} 次に移れるのは: {'、'.join(p.next) or 'なし'}"
            for p in self.phases.values()
        )

    def described_criteria(self) -> str:
        """Return the criteria as the judge's prompt lists them, with their bars."""
        return "\n".join(f"- {c.name}({c.label}, 基準 {c.bar}): {c.described}" for c in self.criteria.values())
