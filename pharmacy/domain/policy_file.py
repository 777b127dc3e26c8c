"""Read the policy file: what may run, and the first values; say by line what is wrong in it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.claims import lint
from pharmacy.domain.policy import Bounds, InForce, Limits, Policy, Strict, problems
from pharmacy.domain.toml_file import TomlFile

EVERY = "every"


class _May(Strict):
    automatic: str | list[str]
    longest_chars: int = Field(ge=1, le=2_000)
    limits: Limits


class _Marking(Strict):
    text: Annotated[str, Field(pattern=r"^\S(.*\S)?$", max_length=200)]


class _File(Strict):
    first: Policy
    may: _May
    marking: _Marking


@dataclass(frozen=True)
class PolicyFile:
    """What the policy file says, checked against the flow."""

    path: Path
    flow: Flow
    first: Policy
    bounds: Bounds
    automatic: str | tuple[str, ...]
    """What of the flow may be automatic, as the file writes it."""

    def in_force(self, policy: Policy, version: int, *, stopped: bool) -> InForce:
        """Return what holds under `policy`; one that does not fit flow or file lets nothing out."""
        found = [
            f"{'.'.join(place)} = {value!r}: {expected}"
            for place, value, expected in problems(policy, self.flow, self.bounds)
        ]
        floors = {name: policy.floor(name, criterion.bar) for name, criterion in self.flow.criteria.items()}
        return InForce(policy, version, stopped, self.bounds.marking, "; ".join(found), floors)


def load_policy(file: Path, flow: Flow) -> PolicyFile:
    """Return what `file` says.

    Raises:
        ConfigError: names file, line, key, value, and what was expected.
    """
    toml = TomlFile.read(file)
    read = toml.table((), _File)
    bounds = Bounds(
        _automatic(toml, read.may.automatic, flow), read.may.limits, read.may.longest_chars, read.marking.text
    )
    for place, value, expected in problems(read.first, flow, bounds):
        raise toml.wrong(("first", *place), f"{value!r}: {expected}")
    for hit in lint(bounds.marking):
        raise toml.wrong(("marking", "text"), f"{hit.matched!r}: {hit.reason_ja}; expected words that may be sent")
    automatic = read.may.automatic
    return PolicyFile(file, flow, read.first, bounds, automatic if isinstance(automatic, str) else tuple(automatic))


def written(policy: Policy, file: PolicyFile) -> str:
    """Return the policy file's text with `policy` as its first values."""
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("first", policy.model_dump(include={"mode", "lowest_mark", "longest_chars", "hold_seconds"})),
        ("first.limits", policy.limits.model_dump()),
        ("first.marks", policy.marks),
        ("first.modes", policy.model_dump(mode="json")["modes"]),
        ("may", {"automatic": file.automatic, "longest_chars": file.bounds.longest_chars}),
        ("may.limits", file.bounds.most.model_dump()),
        ("marking", {"text": file.bounds.marking}),
    ]
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in table.items()) for name, table in tables
    )


def differences(policy: Policy, file: PolicyFile) -> Iterator[str]:
    """Yield each value of `policy` that is another one than the file's, one line each."""
    ours, theirs = _flat(policy.model_dump(mode="json")), _flat(file.first.model_dump(mode="json"))
    for place in sorted(ours.keys() | theirs.keys()):
        if ours.get(place) != theirs.get(place):
            runs, says = ours.get(place, "not set"), theirs.get(place, "nothing")
            yield f"{place}: {runs!r} runs, {file.path.name} says {says!r}"


def _automatic(toml: TomlFile, named: str | list[str], flow: Flow) -> frozenset[tuple[str, str]]:
    machine = [category.name for category in flow.machine_categories]
    every = {(category, phase) for category in machine for phase in flow.phases}
    if named == EVERY:
        return frozenset(every)
    if isinstance(named, str):
        raise toml.wrong(("may", "automatic"), f"{named!r}: expected {EVERY!r} or a list of categories")
    chosen: set[tuple[str, str]] = set()
    for name in named:
        of_name = {pair for pair in every if name in (pair[0], ".".join(pair))}
        if not of_name:
            raise toml.wrong(("may", "automatic"), f"{name!r}: expected some of {machine}, or one of them with a phase")
        chosen |= of_name
    return frozenset(chosen)


def _flat(value: Any, place: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {place: value}
    return {
        path: leaf for key, inner in value.items() for path, leaf in _flat(inner, f"{place}.{key}".strip(".")).items()
    }


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)
