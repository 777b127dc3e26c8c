"""Tokens as the stand-in counts them: near the real figures for Japanese and English."""

import re
from typing import Any

_PIECES = re.compile(r"[\x00-\x7f]{1,4}|[^\x00-\x7f]{1,3}")
_PER_MESSAGE = 4


def pieces(text: str) -> list[str]:
    """Return `text` in tokens: four ASCII characters, or three others in two."""
    found: list[str] = []
    for piece in _PIECES.findall(text):
        found += [piece] if piece.isascii() or len(piece) == 1 else [piece[:-1], piece[-1]]
    return found


def prompt_pieces(messages: list[dict[str, Any]], schema: object) -> list[str]:
    """Return the tokens of a whole prompt: the schema stands first, as it does at the provider."""
    found = pieces(repr(schema)) if schema else []
    for message in messages:
        found += [f"<{message['role']}>"] * _PER_MESSAGE + pieces(text_of(message))
    return found


def text_of(message: dict[str, Any]) -> str:
    """Return the words of a message, whose content may be a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""
