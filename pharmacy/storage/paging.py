"""Cursor paging: an opaque mark of the last row shown, so that new rows never shift a page."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pharmacy.domain.moment import in_utc
from pharmacy.storage.storable import storable


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

    Args:
        kinds: what each value is: `int`, `str`, or `datetime`, which is aware and written in ISO form.

    Raises:
        CursorUnreadable: it is none of ours.
    """
    try:
        values = json.loads(base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, UnicodeError, RecursionError) as error:
        raise _unreadable(given) from error
    fits = isinstance(values, list) and len(values) == len(kinds)
    if not fits or not all(_is(value, kind) for value, kind in zip(values, kinds, strict=True)):
        raise _unreadable(given)
    return [_moment(v) if kind is datetime else v for v, kind in zip(values, kinds, strict=True)]


def _is(value: Any, kind: type) -> bool:
    if kind is datetime:
        return isinstance(value, str) and _is_time(value)
    if type(value) is not kind:
        return False
    return -(2**63) <= value < 2**63 if isinstance(value, int) else bool(storable(value) == value)


def _is_time(value: str) -> bool:
    try:
        _moment(value)
    except ValueError:
        return False
    return True


def _moment(value: str) -> datetime:
    return in_utc(datetime.fromisoformat(value))


def _unreadable(given: str) -> CursorUnreadable:
    return CursorUnreadable(f"cursor = {given[:80]!r}: expected the `next` of an earlier page of this list")


def page(rows: list[Any], limit: int, shown: Callable[[Any], dict[str, Any]], key: Callable[[Any], list[Any]]) -> Page:
    """Return the first `limit` of `rows`, which hold one more than a page when there is a next one."""
    head = rows[:limit]
    return Page([shown(row) for row in head], cursor(key(head[-1])) if len(rows) > limit else None)
