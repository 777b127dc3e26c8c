"""The policy as a form: what may stand in each field, and a policy out of what somebody entered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pharmacy.domain.flow import Flow
from pharmacy.domain.policy import LONGEST_HOLD_SECONDS, Bounds, Mode, Policy, problems
from pharmacy.domain.policy_changes import LIMITS, SINGLE
from pharmacy.domain.policy_file import PolicyFile

HIGHEST_MARK = 5
NUMBERS = ("hold_seconds", "longest_chars", *(f"limits.{name}" for name in LIMITS))
"""Fields that hold a number, by their names in the form."""

Place = tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One category in one phase."""

    field: str
    mode: str
    first: str
    """What the file's first values say."""

    choices: tuple[tuple[str, bool], ...]
    """Each mode, and whether the file lets it be set here; none where a person always answers."""


def fields_of_policy(policy: Policy, flow: Flow) -> dict[str, str]:
    """Return what each field of the form holds."""
    found = {name: str(getattr(policy, name)) for name in SINGLE}
    found |= {f"limits.{name}": str(getattr(policy.limits, name)) for name in LIMITS}
    found |= {f"marks.{name}": str(policy.marks.get(name, "")) for name in flow.criteria}
    return found | {
        f"modes.{category.name}.{phase}": policy.mode_of(category.name, phase).value
        for category in flow.machine_categories
        for phase in flow.phases
    }


def grid(entered: Mapping[str, str], file: PolicyFile) -> list[tuple[str, list[Cell]]]:
    """Return each category with its cells, in the order of the flow's phases."""
    flow, first = file.flow, fields_of_policy(file.first, file.flow)
    machine = {category.name for category in flow.machine_categories}
    return [(name, [_cell(f"modes.{name}.{phase}", (name, phase), entered, first, file.bounds, may=name in machine)
                    for phase in flow.phases]) for name in flow.categories]  # fmt: skip


def _cell(
    field: str,
    pair: tuple[str, str],
    entered: Mapping[str, str],
    first: Mapping[str, str],
    bounds: Bounds,
    *,
    may: bool,
) -> Cell:
    if not may:
        return Cell(field, Mode.OFF.value, Mode.OFF.value, ())
    choices = tuple((mode.value, mode is not Mode.AUTO or pair in bounds.may_be_automatic) for mode in Mode)
    return Cell(field, entered[field], first[field], choices)


def limits_of(file: PolicyFile) -> dict[str, tuple[int, int]]:
    """Return the lowest and the highest number that each number's field may hold."""
    most = file.bounds.most.model_dump()
    return {
        "hold_seconds": (0, LONGEST_HOLD_SECONDS),
        "longest_chars": (1, file.bounds.longest_chars),
    } | {f"limits.{name}": (0, most[name]) for name in LIMITS}


def marks_of_criterion(bar: int) -> range:
    """Return the marks that a criterion may be given."""
    return range(bar, HIGHEST_MARK + 1)


def read_policy(entered: Mapping[str, str], before: Policy, file: PolicyFile) -> tuple[Policy | None, list[Place]]:
    """Return the policy that somebody entered, or the places of what cannot be.

    Args:
        before: the policy that runs; what the form does not show stays as it says.
    """
    try:
        policy = Policy.model_validate(_body(entered, before, file.flow))
    except ValidationError as error:
        return None, [tuple(str(step) for step in each["loc"]) for each in error.errors()]
    wrong = [place for place, _, _ in problems(policy, file.flow, file.bounds)]
    return (None, wrong) if wrong else (policy, [])


def _body(entered: Mapping[str, str], before: Policy, flow: Flow) -> dict[str, Any]:
    kept = before.model_dump(mode="json")
    marks = {name: _number(entered.get(f"marks.{name}", "")) for name in flow.criteria if entered.get(f"marks.{name}")}
    return {
        "mode": entered.get("mode"),
        "lowest_mark": _number(entered.get("lowest_mark", "")),
        "longest_chars": _number(entered.get("longest_chars", "")),
        "hold_seconds": _number(entered.get("hold_seconds", "")),
        "limits": {name: _number(entered.get(f"limits.{name}", "")) for name in LIMITS},
        "marks": {name: mark for name, mark in kept["marks"].items() if name not in flow.criteria} | marks,
        "modes": dict(_modes(entered, kept["modes"], flow)),
    }


def _modes(
    entered: Mapping[str, str], kept: Mapping[str, Mapping[str, str]], flow: Flow
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what each category says of its own: nothing where it is what holds elsewhere too."""
    machine = [category.name for category in flow.machine_categories]
    for name in dict.fromkeys((*kept, *machine)):
        if name not in machine:
            yield name, dict(kept[name])
            continue
        said = {phase: entered.get(f"modes.{name}.{phase}", "") for phase in flow.phases}
        own = {phase: mode for phase, mode in said.items() if mode != entered.get("mode")}
        if own:
            yield name, own


def _number(given: str) -> int | str:
    # What is no number stays as it is, and the policy itself refuses it by its place.
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 12 else given
