"""A pydantic schema as strict structured output takes it at every provider: the common subset of keywords."""

import functools
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_KEPT = ("type", "enum", "const", "description", "$ref")
_ENUM_AT_MOST = 100


@functools.lru_cache(maxsize=256)
def response_format(schema: type[BaseModel]) -> Mapping[str, Any]:
    """Return `schema` as the `response_format` of a chat completion.

    What the providers refuse is left out (lengths, defaults, patterns); the answer is held against the whole
    schema afterwards. A short range of whole numbers becomes a list of them, which every provider keeps to.

    Raises:
        TypeError: the schema holds what strict mode cannot express, such as free keys.
    """
    strict = _strict(schema.model_json_schema(), schema.__name__)
    return {"type": "json_schema", "json_schema": {"name": schema.__name__, "strict": True, "schema": strict}}


@functools.lru_cache(maxsize=256)
def schema_text(schema: type[BaseModel]) -> str:
    """Return the wire form of `schema` as text, for counting its tokens."""
    return json.dumps(response_format(schema), ensure_ascii=False)


def _strict(part: Mapping[str, Any], name: str) -> dict[str, Any]:
    kept = {key: part[key] for key in _KEPT if key in part}
    if "$ref" in kept:
        return {"$ref": kept["$ref"]}  # a reference may have no keyword beside it
    if "$defs" in part:
        kept["$defs"] = {key: _strict(value, name) for key, value in part["$defs"].items()}
    choices = part.get("anyOf") or part.get("oneOf")
    if choices:
        kept["anyOf"] = [_strict(choice, name) for choice in choices]
    if part.get("type") == "object":
        kept |= _object(part, name)
    if part.get("type") == "array":
        kept["items"] = _strict(part["items"], name)
    if part.get("type") == "integer" and (values := _few_values(part)):
        kept["enum"] = values
    return kept


def _object(part: Mapping[str, Any], name: str) -> dict[str, Any]:
    if "properties" not in part or part.get("additionalProperties") not in (None, False):
        raise TypeError(f"{name}: strict structured output knows no free keys; expected an object of named fields")
    fields = {key: _strict(value, name) for key, value in part["properties"].items()}
    return {"properties": fields, "required": [*fields], "additionalProperties": False}


def _few_values(part: Mapping[str, Any]) -> list[int]:
    least = part.get("minimum", part.get("exclusiveMinimum", -1) + 1 if "exclusiveMinimum" in part else None)
    most = part.get("maximum", part.get("exclusiveMaximum", 1) - 1 if "exclusiveMaximum" in part else None)
    if "enum" in part or least is None or most is None or most - least >= _ENUM_AT_MOST:
        return []
    return list(range(int(least), int(most) + 1))
