"""What setting another policy changes, value by value, as it then holds."""

from collections.abc import Iterator
from dataclasses import dataclass

from pharmacy.domain.flow import Flow
from pharmacy.domain.policy import Policy

SINGLE = ("mode", "lowest_mark", "longest_chars", "hold_seconds")
LIMITS = ("per_patient_hour", "per_patient_day", "per_day", "in_all")


@dataclass(frozen=True)
class Change:
    """One value that becomes another."""

    place: tuple[str, ...]
    """Such as `("limits", "per_day")` or `("modes", "follow_up", "taking")`."""

    old: str | int | None
    """None where nothing is said of it, as of a criterion without a mark of its own."""

    new: str | int | None


def changes(old: Policy, new: Policy, flow: Flow) -> list[Change]:
    """Return every value that holds otherwise under `new`: a mode too that only follows from what holds elsewhere."""
    return [change for change in _every(old, new, flow) if change.old != change.new]


def _every(old: Policy, new: Policy, flow: Flow) -> Iterator[Change]:
    for category, phase in _pairs(old, new, flow):
        place = ("modes", category, phase)
        yield Change(place, old.mode_of(category, phase).value, new.mode_of(category, phase).value)
    for name in SINGLE:
        yield Change((name,), getattr(old, name), getattr(new, name))
    for name in dict.fromkeys((*flow.criteria, *old.marks, *new.marks)):
        yield Change(("marks", name), old.marks.get(name), new.marks.get(name))
    for name in LIMITS:
        yield Change(("limits", name), getattr(old.limits, name), getattr(new.limits, name))


def _pairs(old: Policy, new: Policy, flow: Flow) -> list[tuple[str, str]]:
    every = [(category.name, phase) for category in flow.machine_categories for phase in flow.phases]
    named = [(name, phase) for policy in (old, new) for name, phases in policy.modes.items() for phase in phases]
    return list(dict.fromkeys((*every, *named)))
