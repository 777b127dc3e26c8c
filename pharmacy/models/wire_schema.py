"""A pydantic schema as strict structured output takes it at every provider: the common subset of keywords."""

import functools
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_KEPT = ("type", "enum", "const", "description")
_ENUM_AT_MOST = 100


@functools.lru_cache(maxsize=256)
def response_format(schema: type[BaseModel]) -> Mapping[str, Any]:
    """Return `schema` as the `response_format` of a chat completion.

    What the providers refuse is left out (lengths, defaults, patterns); the answer is held against the whole
    schema afterwards. A short range of whole numbers becomes a list of them, which every provider keeps to.

    Raises:
        TypeError: the schema holds what strict mode cannot express, such as free keys.
    """
    whole = schema.model_json_schema()
    shared = whole.get("$defs", {})
    if "$ref" in whole:  # a form that holds itself; the outermost must be written out
        whole = {**shared[_name_in(whole["$ref"])], "$defs": shared}
    strict = _Strict(schema.__name__, shared).part(whole)
    return {"type": "json_schema", "json_schema": {"name": schema.__name__, "strict": True, "schema": strict}}


@functools.lru_cache(maxsize=256)
def schema_text(schema: type[BaseModel]) -> str:
    """Return the wire form of `schema` as text, for counting its tokens."""
    return json.dumps(response_format(schema), ensure_ascii=False)


class _Strict:
    """One schema on its way to the wire form."""

    def __init__(self, name: str, shared: Mapping[str, Any]) -> None:
        self._name = name
        self._shared = shared
        self._inlining: set[str] = set()

    def part(self, part: Mapping[str, Any]) -> dict[str, Any]:
        if "$ref" in part:
            return self._reference(part)
        kept = {key: part[key] for key in _KEPT if key in part}
        if "$defs" in part:
            kept["$defs"] = {key: self.part(value) for key, value in part["$defs"].items()}
        if choices := part.get("anyOf") or part.get("oneOf"):
            kept["anyOf"] = [self.part(choice) for choice in choices]
        if part.get("type") == "object":
            kept |= self._object(part)
        if part.get("type") == "array":
            kept["items"] = self.part(part["items"])
        if part.get("type") == "integer" and (values := _few_values(part)):
            kept["enum"] = values
        return kept

    def _reference(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """A reference may have no keyword beside it: one with a description is written out, unless it is in itself."""
        name = _name_in(part["$ref"])
        if "description" not in part or name in self._inlining:
            return {"$ref": part["$ref"]}
        self._inlining.add(name)
        written = self.part({**self._shared[name], "description": part["description"]})
        self._inlining.discard(name)
        return written

    def _object(self, part: Mapping[str, Any]) -> dict[str, Any]:
        if "properties" not in part or part.get("additionalProperties") not in (None, False):
            raise TypeError(f"{self._name}: strict mode knows no free keys; expected an object of named fields")
        fields = {key: self.part(value) for key, value in part["properties"].items()}
        return {"properties": fields, "required": [*fields], "additionalProperties": False}


def _name_in(reference: str) -> str:
    return reference.removeprefix("#/$defs/")


def _few_values(part: Mapping[str, Any]) -> list[int]:
    least = part["exclusiveMinimum"] + 1 if "exclusiveMinimum" in part else part.get("minimum")
    most = part["exclusiveMaximum"] - 1 if "exclusiveMaximum" in part else part.get("maximum")
    if "enum" in part or least is None or most is None or most - least >= _ENUM_AT_MOST:
        return []
    return list(range(int(least), int(most) + 1))
