"""Read the rules by which records become datasets, and say which version of rules and code made one."""

import functools
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pharmacy import redaction
from pharmacy.domain.toml_file import TomlFile

SHIPPED = Path(__file__).with_name("rules.toml")


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no pattern: {error}") from None
    return value


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Split(_Table):
    """How many patients go where, as shares from 0 to 1."""

    held_out_share: float = Field(gt=0, lt=1)
    validation_share: float = Field(ge=0, lt=1)


class Duplicates(_Table):
    """When two texts are taken for the same."""

    alike: float = Field(gt=0, le=1)
    run_letters: int = Field(ge=1, le=10)


class TopUp(_Table):
    """Which rows are rare and critical, and how much of a capped dataset they may fill."""

    share: float = Field(ge=0, le=1)
    categories: list[str]
    causes: list[str]
    refusals: list[str]
    safety: list[str]


class _Poison(_Table):
    patterns: list[Annotated[str, AfterValidator(_pattern)]]


class Rules(_Table):
    """The whole file."""

    split: Split
    duplicates: Duplicates
    top_up: TopUp
    causes: dict[str, str]
    """What a pharmacist said was wrong with an edited draft, to the criterion that it faults; "" faults none."""

    refusals: dict[str, str]
    """The code of a refusal, to the criterion that it faults."""

    poison: _Poison


@dataclass(frozen=True)
class MadeBy:
    """What made a version, as hashes: 12 hex digits each."""

    code: str
    """Over this folder: rules and code."""

    redaction: str


def read_rules(path: Path = SHIPPED) -> Rules:
    """Return the rules at `path`.

    Raises:
        ConfigError: naming file, line and what was expected.
    """
    return TomlFile.read(path).table((), Rules)


@functools.cache
def made_by() -> MadeBy:
    """Return the hashes of the rules and the code in force."""
    return MadeBy(_hash(Path(__file__).parent), _hash(Path(next(iter(redaction.__path__)))))


def letters(text: str) -> str:
    """Return `text` as it is compared: one width, small letters, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(_files(folder)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if path.suffix in (".py", ".toml", ".txt"))
