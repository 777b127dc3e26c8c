"""Cursor paging: an opaque mark of the last row shown, so that new rows never shift a page."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any


class CursorUnreadable(ValueError):
    """The cursor is none that was given out."""


@dataclass(frozen=True)
class Page:
    """One page of rows."""

    items: list[dict[str, Any]]
    next: str | None
    """Cursor of the next page, or None on the last."""


def cursor(values: list[Any]) -> str:
    """Return the opaque cursor of a row's sort values."""
    return base64.urlsafe_b64encode(json.dumps(values, default=str).encode()).decode().rstrip("=")


def read_cursor(given: str, kinds: tuple[type, ...]) -> list[Any]:
    """Return the sort values of `given`.

    Raises:
        CursorUnreadable: it is none of ours.
    """
    try:
        values = json.loads(base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, UnicodeError, RecursionError) as error:
        raise CursorUnreadable(f"cursor = {given[:80]!r}: expected the `next` of an earlier page") from error
    fits = isinstance(values, list) and len(values) == len(kinds)
    if not fits or any(type(v) is not kind for v, kind in zip(values, kinds, strict=True)):
        raise CursorUnreadable(f"cursor = {given[:80]!r}: expected the `next` of an earlier page of this list")
    if any((isinstance(v, int) and not -(2**63) <= v < 2**63) or (isinstance(v, str) and "\0" in v) for v in values):
        raise CursorUnreadable(f"cursor = {given[:80]!r}: expected the `next` of an earlier page of this list")
    return list(values)


def page(rows: list[Any], limit: int, shown: Any, key: Any) -> Page:
    """Return the first `limit` of `rows`, which hold one more than a page when there is a next one."""
    head = rows[:limit]
    return Page([shown(row) for row in head], cursor(key(head[-1])) if len(rows) > limit else None)
