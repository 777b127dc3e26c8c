"""Tell the first fields of an answer while its end is still being written."""

import functools
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from pharmacy.domain.model import Early

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


class FirstFields:
    """Listens to one answer of `schema`, and tells its first fields once."""

    def __init__(self, early: Early, schema: type[BaseModel]) -> None:
        self._early = early
        self._schema = _first_of(schema, early.fields) if early.fields else None
        self._over = self._schema is None

    def heard(self, content: str) -> None:
        """Look at all of the answer that there is so far."""
        self._early.arrived = content
        if self._over or self._schema is None:
            return
        end = _end_of(content, self._early.fields)
        if end is None:
            return
        self._over = True
        try:
            found = self._schema.model_validate_json(f"{content[:end]}}}", strict=True)
        except ValidationError:
            return  # the whole answer is refused for it in a moment
        self._early.tell(dict(found))


@functools.lru_cache(maxsize=64)
def _first_of(schema: type[BaseModel], names: tuple[str, ...]) -> type[BaseModel]:
    """Return `schema` with its first fields alone.

    Raises:
        ValueError: `names` are not its first fields.
    """
    if (*schema.model_fields,)[: len(names)] != names:
        raise ValueError(f"{schema.__name__}: {names}; expected the first of {[*schema.model_fields]}")
    fields: Mapping[str, Any] = {name: (of.annotation, of) for name, of in schema.model_fields.items() if name in names}
    return create_model(f"{schema.__name__}First", __config__=ConfigDict(extra="forbid"), **fields)


def _end_of(content: str, names: tuple[str, ...]) -> int | None:
    """Return where the last of `names` ends; None while it has not, or where something else stands first."""
    at = _past(content, 0, "{")
    for number, name in enumerate(names):
        key, at = _value(content, at)
        if at is None or key != name:
            return None
        _, at = _value(content, _past(content, at, ":"))
        if at is None:
            return None
        # A value is complete only when something stands behind it: 1 may become 12.
        if (behind := _past(content, at, ",}")) is None:
            return None
        at = at if number + 1 == len(names) else behind
    return at


def _value(content: str, at: int | None) -> tuple[Any, int | None]:
    if at is None:
        return None, None
    try:
        return _DECODER.raw_decode(content, _skipped(content, at))
    except (ValueError, RecursionError):
        return None, None


def _past(content: str, at: int | None, signs: str) -> int | None:
    if at is None:
        return None
    at = _skipped(content, at)
    return at + 1 if at < len(content) and content[at] in signs else None


def _skipped(content: str, at: int) -> int:
    while at < len(content) and content[at] in _SPACE:
        at += 1
    return at
