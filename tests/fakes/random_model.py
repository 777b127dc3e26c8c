"""A model that has lost its mind: any schema filled with random values, valid and without sense."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.fakes.openai_server.script import Asked

_SIGNS = "あいうえおかきくけこ漢方薬飲食前後届注文体調。、!?<>{}\"'\\\u200b\u202e\x07🍵abcXYZ0189%@/:.-"


def random_in_schema(seed: int, fragments: Sequence[str] = ()) -> Callable[[Asked], Any]:
    """Return a rule that answers at random, the same for the same request and seed.

    Args:
        fragments: pieces that turn up in its texts now and then, so that it hits on what is forbidden.
    """

    def answer(asked: Asked) -> Any:
        draw = random.Random(f"{seed}:{asked.user}:{asked.schema_name}")
        return _value(asked.schema or {}, asked.schema or {}, draw, fragments)

    return answer


def _value(part: Mapping[str, Any], root: Mapping[str, Any], draw: random.Random, fragments: Sequence[str]) -> Any:
    if "$ref" in part:
        target: Any = root
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        part = target
    if "enum" in part:
        return draw.choice(part["enum"])
    if "const" in part:
        return part["const"]
    kind = part.get("type")
    if kind == "object":
        return {name: _value(inner, root, draw, fragments) for name, inner in part.get("properties", {}).items()}
    if kind == "array":
        return [_value(part["items"], root, draw, fragments) for _ in range(draw.choice((0, 0, 1)))]
    if kind in ("integer", "number"):
        return draw.randint(part.get("minimum", 1), part.get("maximum", 5))
    if kind == "boolean":
        return draw.random() < 0.5
    return random_text(draw, fragments)


def random_text(draw: random.Random, fragments: Sequence[str]) -> str:
    """Return a text without sense, with one of the fragments in every other one."""
    pieces = ["".join(draw.choices(_SIGNS if draw.random() < 0.3 else _SIGNS[:26], k=draw.randint(3, 40)))
              for _ in range(draw.randint(1, 4))]  # fmt: skip
    if fragments and draw.random() < 0.5:
        pieces.insert(draw.randint(0, len(pieces)), draw.choice(fragments))
    return "。".join(pieces)
