"""An answer with an error status as the official client's own exception."""

import json
from collections.abc import Mapping

import httpx2
import openai

OK = 200
_KINDS: Mapping[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError, 401: openai.AuthenticationError, 403: openai.PermissionDeniedError,
    404: openai.NotFoundError, 409: openai.ConflictError, 422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}  # fmt: skip
_SERVER = 500
_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")


def status_error(url: str, status: int, headers: Mapping[str, str], said: bytes) -> openai.APIStatusError:
    """Return the exception for `status`, with headers and what was said, as the official client makes it."""
    kept = {name: value for name, value in headers.items() if name.lower() not in _OF_THE_WIRE}
    response = httpx2.Response(status, headers=kept, content=said, request=httpx2.Request("POST", url))
    try:
        body = json.loads(said)
    except (ValueError, RecursionError):
        body = None
    told = body.get("error", body) if isinstance(body, Mapping) else None
    kind = _KINDS.get(status, openai.InternalServerError if status >= _SERVER else openai.APIStatusError)
    message = told.get("message") if isinstance(told, Mapping) else None
    return kind(message if isinstance(message, str) else f"Error code: {status}", response=response, body=told)
