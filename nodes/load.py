"""Read the flow file, and say by line what is wrong in it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.facts import Patient, Product
from pharmacy.domain.flow import AnsweredBy, Category, Criterion, Flow, Phase

SHIPPED = Path(__file__).with_name("flow.toml")

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
_KNOWN_FACTS = frozenset(
    {f"patient.{f.name}" for f in fields(Patient)} | {f"product.{f.name}" for f in fields(Product)}
) - {"patient.id", "patient.name", "patient.consent", "product.id", "product.sources"}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _FlowTable(_Table):
    draft_cap: int = Field(ge=1, le=5)
    first_phase: str
    window_turns: int = Field(default=20, ge=1, le=200)


class _CategoryTable(_Table):
    label: str = Field(min_length=1)
    described: str = Field(min_length=1)
    answered_by: Annotated[AnsweredBy, Field(strict=False)]
    facts: list[str] = []
    openings: list[str] = []


class _PhaseTable(_Table):
    label: str = Field(min_length=1)
    described: str = Field(min_length=1)
    next: list[str] = []


class _CriterionTable(_Table):
    label: str = Field(min_length=1)
    described: str = Field(min_length=1)
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
    try:
        text = file.read_text(encoding="utf-8")
        read = _File.model_validate(tomllib.loads(text))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); expected the flow file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}") from error
    except ValidationError as error:
        raise ConfigError(
            "\n".join(_said(file, text, e["loc"], e["input"], e["msg"]) for e in error.errors())
        ) from error
    _check(file, text, read)
    return Flow(
        {
            name: Category(name, c.label, c.described, c.answered_by, tuple(c.facts), tuple(c.openings))
            for name, c in read.categories.items()
        },
        {name: Phase(name, p.label, p.described, tuple(p.next)) for name, p in read.phases.items()},
        {name: Criterion(name, c.label, c.described, c.bar) for name, c in read.criteria.items()},
        read.flow.draft_cap,
        read.flow.first_phase,
        read.flow.window_turns,
    )


def _check(file: Path, text: str, read: _File) -> None:
    def refuse(path: tuple[str, ...], value: object, expected: str) -> ConfigError:
        return ConfigError(_said(file, text, path, value, expected))

    phases = list(read.phases)
    if read.flow.first_phase not in phases:
        raise refuse(("flow", "first_phase"), read.flow.first_phase, f"expected one of {phases}")
    for name, phase in read.phases.items():
        if strange := [n for n in phase.next if n not in phases or n == name]:
            raise refuse(("phases", name, "next"), strange[0], f"expected other phases out of {phases}")
    if lost := [name for name in phases if name not in _reached(read)]:
        raise refuse(("phases", lost[0]), lost[0], f"no phase leads here from {read.flow.first_phase!r}")
    seen: dict[str, str] = {}
    for name, category in read.categories.items():
        if strange := [fact for fact in category.facts if fact not in _KNOWN_FACTS]:
            raise refuse(("categories", name, "facts"), strange[0], f"expected some of {sorted(_KNOWN_FACTS)}")
        for opening in category.openings:
            if opening in seen or category.answered_by is AnsweredBy.PHARMACIST:
                raise refuse(
                    ("categories", name, "openings"), opening, "expected an opening of one machine category only"
                )
            seen[opening] = name
    if all(c.answered_by is AnsweredBy.PHARMACIST for c in read.categories.values()):
        raise refuse(("categories",), [*read.categories], "expected at least one category answered_by = 'machine'")


def _reached(read: _File) -> set[str]:
    reached, ahead = set(), [read.flow.first_phase]
    while ahead:
        if (name := ahead.pop()) not in reached:
            reached.add(name)
            ahead += read.phases[name].next
    return reached


def _said(file: Path, text: str, path: tuple[int | str, ...], value: object, expected: str) -> str:
    return f"{file.name}:{line_of(text, path)}: {'.'.join(map(str, path))} = {value!r}: {expected}"


def line_of(text: str, path: tuple[int | str, ...]) -> int:
    """Return the line, from 1, of the key at `path` in TOML `text`, or of the nearest table that has it."""
    lines = text.splitlines()
    for depth in range(len(path), 0, -1):
        header = re.compile(r"\s*\[" + r"\.".join(re.escape(str(part)) for part in path[:depth]) + r"\]")
        start = next((n for n, line in enumerate(lines) if header.match(line)), None)
        if start is not None:
            return _key_line(lines, start, str(path[depth])) if depth < len(path) else start + 1
    return 1


def _key_line(lines: list[str], start: int, key: str) -> int:
    for number, line in enumerate(lines[start + 1 :], start + 2):
        if line.lstrip().startswith("["):
            break
        if re.match(rf"\s*{re.escape(key)}\s*=", line):
            return number
    return start + 1


def openings(flow: Flow) -> Mapping[str, str]:
    """Return each known opening with the category it names."""
    return {opening: c.name for c in flow.categories.values() for opening in c.openings}
