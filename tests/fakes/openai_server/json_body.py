"""A request's JSON body."""

import json
from typing import Any

from tests.fakes.openai_server.errors import ApiError
from tests.fakes.openai_server.http import Request


def json_body(request: Request) -> dict[str, Any]:
    """Return the request's JSON object.

    Raises:
        ApiError: 400: it has none.
    """
    body = json_or_none(request.body)
    if not isinstance(body, dict):
        raise ApiError(400, "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
                       "using your HTTP library correctly. The OpenAI API expects a JSON payload.)")  # fmt: skip
    return body


def json_or_none(body: bytes) -> Any:
    """Return what a body holds, or None where it is no JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None
