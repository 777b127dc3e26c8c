"""Read the flow file, and say by line what is wrong in it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pharmacy.domain.facts import Patient, Product
from pharmacy.domain.flow import AnsweredBy, Category, Criterion, Flow, Phase
from pharmacy.domain.toml_file import TomlFile

SHIPPED = Path(__file__).with_name("flow.toml")
SHIPPED_POLICY = Path(__file__).with_name("policy.toml")

_UNTOLD = {"patient.id", "patient.name", "patient.consent", "product.id", "product.sources"}
KNOWN_FACTS = tuple(
    name
    for thing, shape in (("patient", Patient), ("product", Product))
    for name in (f"{thing}.{field.name}" for field in fields(shape))
    if name not in _UNTOLD
)
"""What a category may ask facts of; a patient's name and consent are never a model's business."""

Problem = tuple[tuple[str, ...], object, str]
"""Where in the file, the value that stands there, and what was expected."""

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
# One line without edges of white space: these stand in lists of a prompt, or are compared with a whole message.
_Line = Annotated[str, Field(pattern=r"^\S(.*\S)?$", max_length=500)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _FlowTable(_Table):
    draft_cap: int = Field(ge=1, le=5)
    first_phase: str
    window_turns: int = Field(default=20, ge=1, le=200)


class _CategoryTable(_Table):
    label: _Line
    described: _Line
    answered_by: Literal["machine", "pharmacist"]
    cacheable: bool = False
    facts: list[str] = []
    openings: list[_Line] = []


class _PhaseTable(_Table):
    label: _Line
    described: _Line
    next: list[str] = []


class _CriterionTable(_Table):
    label: _Line
    described: _Line
    bar: int = Field(ge=1, le=5)


class _File(_Table):
    flow: _FlowTable
    categories: dict[_Name, _CategoryTable] = Field(min_length=1)
    phases: dict[_Name, _PhaseTable] = Field(min_length=1)
    criteria: dict[_Name, _CriterionTable] = Field(min_length=1)


def load_flow(file: Path = SHIPPED) -> Flow:
    """Return the flow that `file` describes.

    Raises:
        ConfigError: names file, line, key, value, and what was expected.
    """
    toml = TomlFile.read(file)
    read = toml.table((), _File)
    for place, value, expected in _problems(read):
        raise toml.wrong(place, f"{value!r}: {expected}")
    return Flow(
        {name: _category(name, table) for name, table in read.categories.items()},
        {name: Phase(name, p.label, p.described, tuple(p.next)) for name, p in read.phases.items()},
        {name: Criterion(name, c.label, c.described, c.bar) for name, c in read.criteria.items()},
        read.flow.draft_cap,
        read.flow.first_phase,
        read.flow.window_turns,
    )


def openings(flow: Flow) -> Mapping[str, str]:
    """Return each known opening with the category it names."""
    return {opening: c.name for c in flow.categories.values() for opening in c.openings}


def _category(name: str, table: _CategoryTable) -> Category:
    return Category(
        name,
        table.label,
        table.described,
        AnsweredBy(table.answered_by),
        tuple(table.facts),
        tuple(table.openings),
        table.cacheable,
    )


def _problems(read: _File) -> Iterator[Problem]:
    yield from _phase_problems(read)
    yield from _category_problems(read)
    for name in read.criteria:
        # The judge's answer has a field per criterion, and these are taken.
        if hasattr(BaseModel, name):
            yield ("criteria", name), name, "expected another name; this one is taken"


def _phase_problems(read: _File) -> Iterator[Problem]:
    phases, first = [*read.phases], read.flow.first_phase
    if first not in phases:
        yield ("flow", "first_phase"), first, f"expected one of {phases}"
    for name, phase in read.phases.items():
        for follower in phase.next:
            if follower not in phases or follower == name:
                yield ("phases", name, "next"), follower, f"expected other phases out of {phases}"
    for lost in set(phases) - _reached(read):
        yield ("phases", lost), lost, f"expected a phase that leads here from {first!r}"


def _reached(read: _File) -> set[str]:
    reached: set[str] = set()
    ahead = [read.flow.first_phase]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += read.phases[name].next
    return reached


def _category_problems(read: _File) -> Iterator[Problem]:
    named: set[str] = set()
    for name, category in read.categories.items():
        for fact in category.facts:
            if fact not in KNOWN_FACTS:
                yield ("categories", name, "facts"), fact, f"expected some of {[*KNOWN_FACTS]}"
        for opening in category.openings:
            if opening in named or category.answered_by == AnsweredBy.PHARMACIST.value:
                yield ("categories", name, "openings"), opening, "expected an opening of one machine category only"
            named.add(opening)
    if all(category.answered_by == AnsweredBy.PHARMACIST.value for category in read.categories.values()):
        yield ("categories",), [*read.categories], "expected at least one answered_by = 'machine'"
