"""A cursor says where a page ended, and is nothing but one that was given out."""

import base64
import json
from datetime import UTC, datetime

import pytest

from pharmacy.storage.paging import CursorUnreadable, cursor, page, read_cursor


def _written(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_cursor_is_read_back_as_it_was_given_out() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)

    assert read_cursor(cursor([when.isoformat(), "c-1"]), (datetime, str)) == [when, "c-1"]
    assert read_cursor(cursor(["2026-01-03T03:03:05.000006+23:59"]), (datetime,))[0].isoformat() == when.isoformat()
    assert read_cursor(cursor([3, 2**62]), (int, int)) == [3, 2**62]


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        pytest.param("", (int,), id="empty"),
        pytest.param("%%%", (int,), id="no-base64"),
        pytest.param("ééé", (int,), id="no-ascii"),
        pytest.param(_written({"a": 1}), (int,), id="object"),
        pytest.param(_written([]), (int,), id="too-few"),
        pytest.param(_written([1, 2]), (int,), id="too-many"),
        pytest.param(_written([True]), (int,), id="yes-for-a-number"),
        pytest.param(_written([2**63]), (int,), id="beyond-64-bits"),
        pytest.param(_written([1.0]), (int,), id="fraction"),
        pytest.param(_written(["a\0"]), (str,), id="nul"),
        pytest.param(_written(["\ud800"]), (str,), id="lone-surrogate"),
        pytest.param(_written(["2026-01-01T00:00:00"]), (datetime,), id="time-without-offset"),
        pytest.param(_written(["0001-01-01T00:00:00+23:59"]), (datetime,), id="before-the-first-year-in-utc"),
        pytest.param(_written(["soon"]), (datetime,), id="no-time"),
        pytest.param(_written([1]), (datetime,), id="number-for-a-time"),
        pytest.param(base64.urlsafe_b64encode(b"[" * 100_000).decode(), (int,), id="deep"),
    ],
)
def test_anything_else_is_refused(given: str, kinds: tuple[type, ...]) -> None:
    with pytest.raises(CursorUnreadable, match="expected the `next` of an earlier page"):
        read_cursor(given, kinds)


def test_a_page_names_the_next_one_only_when_there_is_more() -> None:
    rows = [1, 2, 3]

    more, last = (page(rows[:count], 2, lambda row: {"n": row}, lambda row: [row]) for count in (3, 2))

    assert (more.items, read_cursor(str(more.next), (int,))) == ([{"n": 1}, {"n": 2}], [2])
    assert last.next is None
