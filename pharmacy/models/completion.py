"""Read a chat completion's body ourselves, so that no shape of it can hide what was answered or what it cost."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pharmacy.domain.errors import ReplyUnreadable

_NAME_CHARS = 200


@dataclass(frozen=True)
class Completion:
    """The parts of a completion that matter; each as given where its type is right, else None."""

    content: str | None
    refusal: str | None
    finish_reason: str | None
    model: str | None
    usage: object
    """As given, unchecked."""


def read_completion(body: bytes) -> Completion:
    """Return what `body` says.

    Raises:
        ReplyUnreadable: it is no JSON object, or one without `choices`.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ReplyUnreadable(f"a body of {len(body)} bytes that is no JSON; expected a completion") from error
    if not isinstance(given, Mapping) or not isinstance(given.get("choices"), list):
        raise ReplyUnreadable("a body without a list of choices; expected a completion")
    choice = _mapping(given["choices"][0]) if given["choices"] else {}
    message = _mapping(choice.get("message"))
    return Completion(
        content=storable(message.get("content")),
        refusal=storable(message.get("refusal")),
        finish_reason=storable(choice.get("finish_reason")),
        model=(storable(given.get("model")) or "")[:_NAME_CHARS] or None,
        usage=given.get("usage"),
    )


def storable(value: object) -> str | None:
    """Return text without what no database stores: lone surrogates and NUL; None for anything but text."""
    if not isinstance(value, str):
        return None
    return value.encode(errors="replace").decode().replace("\x00", "\ufffd")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
