"""Read a form with a file in it, as browsers and the official client send it."""

import re
from dataclasses import dataclass

from tests.fakes.openai_server.errors import ApiError
from tests.fakes.openai_server.http import Request

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_NAME = re.compile(r'[;\s]name="([^"]*)"')
_FILENAME = re.compile(r'filename="([^"]*)"')


@dataclass(frozen=True)
class Part:
    """One field of a form."""

    content: bytes
    filename: str | None
    """None for a plain field."""


def parts_of(request: Request) -> dict[str, Part]:
    """Return the form's fields by name.

    Raises:
        ApiError: the body is no form.
    """
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    if found is None or "multipart/form-data" not in request.headers["content-type"]:
        raise ApiError(415, "Unsupported content type: expected 'multipart/form-data'.")
    pieces = request.body.split(b"--" + found[1].encode())
    return dict(_part(piece) for piece in pieces[1:-1])


def _part(piece: bytes) -> tuple[str, Part]:
    head, _, content = piece.partition(b"\r\n\r\n")
    words = head.decode("utf-8", "replace")
    name, filename = _NAME.search(words), _FILENAME.search(words)
    if name is None:
        raise ApiError(400, "Could not parse multipart form.")
    return name[1], Part(content.removesuffix(b"\r\n"), filename[1] if filename else None)
