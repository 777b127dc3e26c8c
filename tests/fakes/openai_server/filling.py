"""The default answer: any JSON schema filled with values that are valid and make sense in Japanese."""

from collections.abc import Mapping
from typing import Any

DEEPEST = 8
REPLY = (
    "ご連絡ありがとうございます。ご相談の内容を確認いたしました。気になる点がありましたら、いつでもお知らせください。"
)
WORDS = {"reason": "会話の内容からそう判断しました。", "reply": REPLY, "text": REPLY}


def fill_schema(schema: Mapping[str, Any], hints: Mapping[str, Any] | None = None) -> Any:
    """Return a value that is valid under `schema`.

    Args:
        schema: a JSON schema.
        hints: property name to the value to prefer wherever that property stands; ignored where it does not fit.
    """
    return _fill(schema, schema, "", hints or {}, 0)


def _fill(part: Mapping[str, Any], root: Mapping[str, Any], name: str, hints: Mapping[str, Any], depth: int) -> Any:
    part = _resolved(part, root)
    if name in hints and _fits(hints[name], part):
        return hints[name]
    if "const" in part:
        return part["const"]
    if "enum" in part:
        return _from_enum(part["enum"])
    if "anyOf" in part:
        choices = part["anyOf"]
        wanted = [p for p in choices if p.get("type") != "null"] if depth < DEEPEST else choices[::-1]
        return _fill(wanted[0], root, name, hints, depth)
    kind = part.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind == "object":
        return {key: _fill(p, root, key, hints, depth + 1) for key, p in part.get("properties", {}).items()}
    if kind == "array":
        return [_fill(part["items"], root, name, hints, depth + 1) for _ in range(part.get("minItems", 0))]
    return _plain(kind, part, name)


def _plain(kind: str | None, part: Mapping[str, Any], name: str) -> Any:
    if kind in ("integer", "number"):
        return part.get("maximum", max(1, part.get("minimum", 1)))
    if kind == "boolean":
        return True
    if kind == "string":
        words = WORDS.get(name, "承知いたしました。")
        return words.ljust(part.get("minLength", 0), "。")[: part.get("maxLength")]
    return None


def _from_enum(values: list[Any]) -> Any:
    whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    return max(whole) if len(whole) == len(values) else values[0]


def _fits(value: Any, part: Mapping[str, Any]) -> bool:
    if "enum" in part:
        return value in part["enum"]
    if "anyOf" in part:
        return True
    kinds: dict[str, Any] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "array": list,
        "object": dict,
    }
    return isinstance(value, kinds.get(part.get("type", ""), object))


def _resolved(part: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in part:
        found: Any = root
        for step in part["$ref"].removeprefix("#").strip("/").split("/"):
            found = found[step] if step else found
        part = found
    return part
