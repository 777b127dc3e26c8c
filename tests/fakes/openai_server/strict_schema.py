"""The rules of strict structured output, with the provider's own words when one is broken."""

from collections.abc import Iterator
from typing import Any

from tests.fakes.openai_server.errors import invalid_schema

MAX_PROPERTIES = 5000
MAX_DEPTH = 10
MAX_ENUM_VALUES = 1000
MAX_STRING_CHARS = 120_000

_ALWAYS = {
    "type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const", "$ref", "$defs",
    "definitions", "description", "title", "$schema",
}  # fmt: skip
_NOT_FINE_TUNED = {
    "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems",
    "maxItems",
}  # fmt: skip


def check_strict(name: str, schema: Any, *, fine_tuned: bool) -> None:
    """Refuse a schema that the provider would refuse.

    Raises:
        ApiError: 400, naming the first rule that is broken and where.
    """
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        got = schema.get("type") if isinstance(schema, dict) else type(schema).__name__
        raise invalid_schema(name, f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{got}\"'.")
    allowed = _ALWAYS if fine_tuned else _ALWAYS | _NOT_FINE_TUNED
    count = 0
    for path, depth, part in _parts(schema, (), 1):
        if problem := _problem(part, allowed):
            raise invalid_schema(name, f"In context={path!r}, {problem}")
        count += len(part.get("properties", {}))
        if depth > MAX_DEPTH:
            raise invalid_schema(name, f"{depth} levels of nesting exceeds limit of {MAX_DEPTH}.")
    _check_size(name, schema, count)


def _parts(schema: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], int, dict[str, Any]]]:
    if not isinstance(schema, dict):
        return
    yield path, depth, schema
    for key in ("$defs", "definitions"):
        for name, part in schema.get(key, {}).items():
            yield from _parts(part, (*path, key, name), depth)
    for name, part in schema.get("properties", {}).items():
        yield from _parts(part, (*path, "properties", name), depth + _nests(part))
    yield from _parts(schema.get("items"), (*path, "items"), depth + _nests(schema.get("items")))
    for at, part in enumerate(schema.get("anyOf", [])):
        yield from _parts(part, (*path, "anyOf", str(at)), depth)


def _nests(part: Any) -> int:
    return int(isinstance(part, dict) and part.get("type") in ("object", "array"))


def _problem(part: dict[str, Any], allowed: set[str]) -> str | None:
    for key in part:
        if key not in allowed:
            return f"'{key}' is not permitted."
    if "$ref" in part:
        return f"$ref cannot have keywords {set(part) - {'$ref'}}." if len(part) > 1 else None
    if not part.keys() & {"type", "anyOf", "enum", "const"}:
        return "schema must have a 'type' key."
    if part.get("type") == "array" and "items" not in part:
        return "array schema missing items."
    return _object_problem(part) if part.get("type") == "object" else None


def _object_problem(part: dict[str, Any]) -> str | None:
    if part.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    missing = [key for key in part.get("properties", {}) if key not in part.get("required", [])]
    if missing:
        return (
            "'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{missing[0]}'."
        )
    return None


def _check_size(name: str, schema: dict[str, Any], properties: int) -> None:
    if properties > MAX_PROPERTIES:
        raise invalid_schema(name, f"{properties} properties exceeds limit of {MAX_PROPERTIES}.")
    parts = [part for _, _, part in _parts(schema, (), 1)]
    values = [value for part in parts for value in part.get("enum", [])]
    if len(values) > MAX_ENUM_VALUES:
        raise invalid_schema(name, f"{len(values)} enum values exceeds limit of {MAX_ENUM_VALUES}.")
    names = [key for part in parts for key in part.get("properties", {})]
    if sum(map(len, [*names, *(v for v in values if isinstance(v, str))])) > MAX_STRING_CHARS:
        raise invalid_schema(name, "the total string length of names and enum values is too large.")
