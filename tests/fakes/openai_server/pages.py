"""Lists as the provider gives them out: a page at a time, going on after an id."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.openai_server.errors import ApiError
from tests.fakes.openai_server.http import Reply, Request


def query_of(request: Request) -> dict[str, str]:
    """Return the request's query, each name once."""
    return dict(parse_qsl(request.query, keep_blank_values=True))


def metadata_of(query: Mapping[str, str]) -> dict[str, str]:
    """Return what the query asks of metadata: `metadata[node]=classify`."""
    return {name[9:-1]: value for name, value in query.items() if name.startswith("metadata[") and name.endswith("]")}


def page(rows: Sequence[Mapping[str, Any]], query: Mapping[str, str], *, most: int = 100, first: int = 20) -> Reply:
    """Return the page of `rows` that `query` asks for.

    Args:
        rows: all there are, in the order in which they are given out.
        most: the largest `limit`.
        first: the limit when none is given.

    Raises:
        ApiError: the limit is none.
    """
    limit = _limit(query.get("limit"), most, first)
    ids = [row["id"] for row in rows]
    begin = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    shown = list(rows[begin : begin + limit])
    return Reply.of({
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": begin + limit < len(rows),
    })  # fmt: skip


def _limit(asked: str | None, most: int, first: int) -> int:
    if asked is None:
        return first
    if not asked.isdecimal() or not 1 <= int(asked) <= most:
        raise ApiError(400, f"Invalid 'limit': expected a value from 1 to {most}, but got {asked}.", param="limit")
    return int(asked)
