"""`/v1/files`: upload, list, show, read and delete."""

import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.openai_server.errors import ApiError, missing_parameter
from tests.fakes.openai_server.http import Reply, Request
from tests.fakes.openai_server.multipart import Part, parts_of
from tests.fakes.openai_server.pages import page, query_of

if TYPE_CHECKING:
    from tests.fakes.openai_server.world import World

TAKEN = ("fine-tune", "batch")
"""What may be uploaded here; the provider knows more purposes."""

_MOST_BYTES = {"fine-tune": 512 << 20, "batch": 200 << 20}
_SHORTEST, _LONGEST = 3600, 2_592_000
_EXPIRES = re.compile(r"expires_after\[(anchor|seconds)\]")


@dataclass
class StoredFile:
    """One file with its words."""

    shown: dict[str, Any]
    content: bytes


@dataclass
class Files:
    """All files, oldest first."""

    kept: dict[str, StoredFile] = field(default_factory=dict)

    def put(self, filename: str, content: bytes, purpose: str, expires_at: int | None = None) -> dict[str, Any]:
        """Keep a file and return it as it is shown."""
        shown = {
            "id": f"file-{uuid.uuid4().hex[:22]}", "object": "file", "bytes": len(content),
            "created_at": int(time.time()), "expires_at": expires_at, "filename": filename, "purpose": purpose,
            "status": "processed", "status_details": None,
        }  # fmt: skip
        self.kept[shown["id"]] = StoredFile(shown, content)
        return shown

    def find(self, file_id: str) -> StoredFile | None:
        """Return the file, or None where it is deleted or its time has passed."""
        file = self.kept.get(file_id)
        if file is None:
            return None
        end = file.shown["expires_at"]
        return file if end is None or end > time.time() else None

    def expire(self, file_id: str) -> None:
        """Let a file's time pass now."""
        self.kept[file_id].shown["expires_at"] = int(time.time()) - 1


async def answer_files(world: "World", request: Request) -> Reply | None:
    """Return the answer to a request about files; None when it is about something else."""
    match request.method, request.path.removeprefix("/v1").strip("/").split("/"):
        case "POST", ["files"]:
            return Reply.of(_upload(world.files, parts_of(request)))
        case "GET", ["files"]:
            return _listed(world.files, query_of(request))
        case "GET", ["files", file_id]:
            return Reply.of(_found(world.files, file_id).shown)
        case "GET", ["files", file_id, "content"]:
            return Reply(200, _found(world.files, file_id).content, content_type="application/octet-stream")
        case "DELETE", ["files", file_id]:
            _found(world.files, file_id)
            del world.files.kept[file_id]
            return Reply.of({"id": file_id, "object": "file", "deleted": True})
    return None


def _upload(files: Files, parts: Mapping[str, Part]) -> dict[str, Any]:
    for name in ("file", "purpose"):
        if name not in parts:
            raise missing_parameter(name)
    purpose, file = parts["purpose"].content.decode("utf-8", "replace"), parts["file"]
    if purpose not in TAKEN:
        raise ApiError(400, f"'{purpose}' is not one of {[*TAKEN]} - 'purpose'", param="purpose")
    for name in parts.keys() - {"file", "purpose"}:
        if not _EXPIRES.fullmatch(name):
            raise ApiError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    if not file.content:
        raise ApiError(400, "File is empty.", param="file")
    if len(file.content) > _MOST_BYTES[purpose]:
        raise ApiError(413, "File is too large.", param="file")
    _refuse_other_than_lines(file, purpose)
    return files.put(file.filename or "file", file.content, purpose, _expires_at(parts))


def _refuse_other_than_lines(file: Part, purpose: str) -> None:
    # At upload the first line is looked at and no more; the rest is read by whoever uses the file.
    said = "Fine-Tuning API" if purpose == "fine-tune" else "Batch API"
    if not (file.filename or "").endswith(".jsonl"):
        raise ApiError(400, f"Invalid file format for {said}. Must be .jsonl")
    try:
        json.loads(file.content.split(b"\n", 1)[0])
    except ValueError:
        raise ApiError(400, f"Invalid file format for {said}. Must be .jsonl") from None


def _expires_at(parts: Mapping[str, Part]) -> int | None:
    seconds, anchor = parts.get("expires_after[seconds]"), parts.get("expires_after[anchor]")
    if seconds is None and anchor is None:
        return None
    if anchor is None or anchor.content != b"created_at":
        raise ApiError(400, "Invalid value for 'expires_after.anchor'. Supported values are: 'created_at'.",
                       param="expires_after.anchor", code="invalid_value")  # fmt: skip
    if seconds is None or not seconds.content.isdigit() or not _SHORTEST <= int(seconds.content) <= _LONGEST:
        raise ApiError(400, f"Invalid 'expires_after.seconds': expected {_SHORTEST} to {_LONGEST}.",
                       param="expires_after.seconds", code="invalid_value")  # fmt: skip
    return int(time.time()) + int(seconds.content)


def _listed(files: Files, query: Mapping[str, str]) -> Reply:
    rows = [file.shown for file in files.kept.values() if query.get("purpose") in (None, file.shown["purpose"])]
    return page(rows if query.get("order") == "asc" else rows[::-1], query, most=10_000, first=10_000)


def _found(files: Files, file_id: str) -> StoredFile:
    file = files.find(file_id)
    if file is None:
        raise ApiError(404, f"No such File object: {file_id}", param="id")
    return file
