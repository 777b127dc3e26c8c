"""The pages' own files: each has an address that changes with its content, and may be kept for ever."""

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from fastapi.responses import Response

STATIC = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"


@cache
def address_of(name: str) -> str:
    """Return where a browser finds the file; another content has another address.

    Raises:
        KeyError: there is no such file.
    """
    return f"/static/{name}?v={_mark(name)}"


def file_answer(name: str, mark: str, accepts: str = "") -> Response:
    """Return the file, or 404; a browser keeps what it asked for by the mark of its content.

    Args:
        accepts: the encodings that the browser takes, as its header names them.
    """
    content = _content().get(name)
    if content is None:
        return Response(status_code=404)
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"Vary": "Accept-Encoding"} | ({"Cache-Control": FOR_EVER} if mark == _mark(name) else {})
    if "gzip" in accepts:
        content, headers["Content-Encoding"] = _compressed(name), "gzip"
    return Response(content, media_type=media_type, headers=headers)


@cache
def _mark(name: str) -> str:
    return hashlib.sha256(_content()[name]).hexdigest()[:12]


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_content()[name], mtime=0)


@cache
def _content() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in STATIC.rglob("*") if file.is_file()}
