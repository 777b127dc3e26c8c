"""Read a model's raw answer strictly: one JSON value of the asked form and nothing else."""

import json
from collections.abc import Sequence
from typing import NoReturn

from pydantic import ValidationError

from pharmacy.domain.errors import ReplyUnreadable
from pharmacy.domain.model import Answer

CHARS_PER_TOKEN = 12
"""No sensible text has more characters to a token."""

_FREE_CHARS = 2_000
_FREE_BYTES = 64 * 1024
_BYTES_PER_CHAR = 12
"""An escaped Japanese character is 6 bytes, and some servers add as much reasoning again."""


def most_chars(max_output_tokens: int) -> int:
    """Return how long an answer of that many tokens can sensibly be."""
    return _FREE_CHARS + CHARS_PER_TOKEN * max_output_tokens


def most_bytes(max_output_tokens: int) -> int:
    """Return how long the body of a completion of that many tokens can sensibly be."""
    return _FREE_BYTES + _BYTES_PER_CHAR * most_chars(max_output_tokens)


def read_answer(content: str, schema: type[Answer], longest: int = 100_000) -> Answer:
    """Return `content` read into `schema`.

    Raises:
        ReplyUnreadable: it is longer than `longest` characters; no JSON, or JSON with words around it; a key stands
            twice; a number is not finite; or it is not of the asked form.
    """
    if len(content) > longest:
        raise ReplyUnreadable(f"{schema.__name__}: {len(content)} characters; expected at most {longest}")
    try:
        json.loads(content, object_pairs_hook=_once_each, parse_constant=_not_finite)
        answer = schema.model_validate_json(content, strict=True)
    except ValidationError as error:
        raise ReplyUnreadable(f"{schema.__name__}: {_problems(error)}") from None
    except (ValueError, RecursionError) as error:
        raise ReplyUnreadable(f"{schema.__name__}: not one plain JSON value ({_short(error)})") from None
    if "\\u0000" in content:
        raise ReplyUnreadable(f"{schema.__name__}: holds a NUL character; expected plain text")
    return answer


def _once_each(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _not_finite(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _problems(error: ValidationError) -> str:
    """Say where and what was expected, never what stood there: it may be a patient's words."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, e['loc']))} {e['msg']}" for e in found[:3])[:300]


def _short(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at {error.pos}"
    return f"{type(error).__name__}: {str(error)[:100]}"
