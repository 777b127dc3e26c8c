"""Read a TOML file so that every complaint about it can name file, line and table."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from pharmacy.domain.errors import ConfigError

Read = TypeVar("Read")
_SECRET_KEYS = re.compile(r"(?:^|_)(?:api_?key|key|secret|token|password)(?:$|_)", re.IGNORECASE)
_HEADER = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+")
_STEP = re.compile(r"\"[^\"]*\"|'[^']*'|[^.\s]+")
_KEY = re.compile(r"\s*([\w\"'-]+)\s*=")


@dataclass(frozen=True)
class TomlFile:
    """A TOML file's tables, with its text to find lines in."""

    path: Path
    text: str
    tables: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "TomlFile":
        """Return the file at `path`.

        Raises:
            ConfigError: it cannot be read, or is no TOML.
        """
        try:
            text = path.read_text(encoding="utf-8")
            return cls(path, text, tomllib.loads(text))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigError(f"{path}: {error}; expected a TOML file in UTF-8") from error

    def table(self, place: Sequence[str], shape: type[Read]) -> Read:
        """Return the table at `place`, such as ("classify",), read into `shape`; () is the whole file.

        Raises:
            ConfigError: naming file, line, table, value and what was expected.
        """
        value: Any = self.tables
        for step in place:
            if step not in value:
                raise self.wrong(place, "is missing; expected this table")
            value = value[step]
        try:
            return TypeAdapter(shape).validate_python(value, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            inside = [str(step) for step in first["loc"]]
            # Not "from error": its text repeats the value, which may be a secret.
            raise self.wrong([*place, *inside], f"{_shown(inside, first)}{first['msg']}") from None

    def wrong(self, place: Sequence[str], problem: str) -> ConfigError:
        """Return the complaint about what stands at `place`."""
        return ConfigError(f"{self.path}:{self.line_of(place)}: [{'.'.join(place)}] {problem}")

    def line_of(self, place: Sequence[str]) -> int:
        """Return the line of the deepest step of `place` that the file spells out; 1 when it spells none."""
        found, depth = 1, 0
        within: tuple[str, ...] = ()
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := _HEADER.match(line):
                spelled = within = tuple(part.strip("\"'") for part in _STEP.findall(header[1]))
            elif key := _KEY.match(line):
                spelled = (*within, key[1].strip("\"'"))
            else:
                continue
            if spelled == tuple(place[: len(spelled)]) and len(spelled) > depth:
                found, depth = number, len(spelled)
        return found


def _shown(inside: Sequence[str], error: Any) -> str:
    """A secret that was put where a name belongs must not be printed."""
    if any(_SECRET_KEYS.search(step) for step in inside):
        return "(value not shown): "
    return "" if error["type"] == "missing" else f"{error['input']!r}: "
