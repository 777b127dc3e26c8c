"""Completions that were asked for with `store`: list, show, mark, delete."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.openai_server.errors import ApiError
from tests.fakes.openai_server.http import Reply, Request
from tests.fakes.openai_server.json_body import json_body
from tests.fakes.openai_server.pages import metadata_of, page, query_of

if TYPE_CHECKING:
    from tests.fakes.openai_server.world import World

_PREFIX = "/v1/chat/completions"


@dataclass
class Stored:
    """All stored completions, oldest first. Safe to read from another thread."""

    kept: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, body: Mapping[str, Any], completion: Mapping[str, Any]) -> None:
        """Keep a completion with what was asked."""
        shown = {**completion, "metadata": body.get("metadata") or {}}
        asked = [{"id": f"{completion['id']}-{at}", "name": None, "content_parts": None, **message}
                 for at, message in enumerate(body["messages"])]  # fmt: skip
        with self._lock:
            self.kept[completion["id"]] = (shown, asked)

    def rows(self) -> list[dict[str, Any]]:
        """Return all as they are shown, oldest first."""
        with self._lock:
            return [shown for shown, _ in self.kept.values()]


async def answer_stored(world: "World", request: Request) -> Reply | None:
    """Return the answer to a request about stored completions; None when it is about something else."""
    if not request.path.startswith(_PREFIX):
        return None
    match request.method, request.path.removeprefix(_PREFIX).strip("/").split("/"):
        case "GET", [""]:
            return _listed(world.stored, query_of(request))
        case "GET", [completion_id]:
            return Reply.of(_found(world.stored, completion_id)[0])
        case "GET", [completion_id, "messages"]:
            return page(_found(world.stored, completion_id)[1], query_of(request))
        case "POST", [completion_id] if completion_id:
            return Reply.of(_marked(world.stored, completion_id, json_body(request)))
        case "DELETE", [completion_id]:
            _found(world.stored, completion_id)
            del world.stored.kept[completion_id]
            return Reply.of({"object": "chat.completion.deleted", "id": completion_id, "deleted": True})
    return None


def _listed(stored: Stored, query: Mapping[str, str]) -> Reply:
    wanted = metadata_of(query)
    rows = [
        row for row in stored.rows()
        if query.get("model") in (None, row["model"]) and wanted.items() <= row["metadata"].items()
    ]  # fmt: skip
    return page(rows[::-1] if query.get("order") == "desc" else rows, query)


def _marked(stored: Stored, completion_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    # Only the labels can be changed: a stored answer stays as it was given.
    if body.keys() != {"metadata"}:
        raise ApiError(400, "Only 'metadata' can be updated.", param=next(iter(body.keys() - {"metadata"}), "metadata"))
    shown, _ = _found(stored, completion_id)
    shown["metadata"] = body["metadata"] or {}
    return shown


def _found(stored: Stored, completion_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if completion_id not in stored.kept:
        raise ApiError(404, f"Completion '{completion_id}' not found.", param="completion_id")
    return stored.kept[completion_id]
