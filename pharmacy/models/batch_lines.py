"""The lines of a batch: questions as the live adapter asks them, answers read as it reads them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
import openai
from pydantic import BaseModel

from pharmacy.domain.errors import ModelUnavailable, ReplyUnreadable
from pharmacy.domain.model import Prompt
from pharmacy.models.breaker import Health
from pharmacy.models.completion_tried import tried_of
from pharmacy.models.endpoint import sampling
from pharmacy.models.http_exchange import MOST_CONTAINERS
from pharmacy.models.model_name import ModelRef
from pharmacy.models.provider_failure import status_failure
from pharmacy.models.reading import most_bytes
from pharmacy.models.status_error import OK
from pharmacy.models.tables import NodeTable
from pharmacy.models.tried import Failure, Tried
from pharmacy.models.usage import Usage, UsageBounds
from pharmacy.models.wire_schema import response_format, schema_text

URL: Literal["/v1/chat/completions"] = "/v1/chat/completions"
MOST_LINES = 50_000
MOST_BYTES = 150 << 20
"""The provider takes 200 MiB; a quarter is left free."""


@dataclass(frozen=True)
class Asked:
    """One question of a batch."""

    id: str
    """The caller's own name for it; it does not leave the house."""

    prompt: Prompt
    schema: type[BaseModel]


@dataclass(frozen=True)
class Part:
    """So many questions as one batch may hold, and the file that asks them."""

    asked: tuple[Asked, ...]
    content: bytes

    @property
    def key(self) -> str:
        """32 hex digits over the file: the same questions are found again by it."""
        return hashlib.sha256(self.content).hexdigest()[:32]


def parts_of(ref: ModelRef, table: NodeTable, asked: Sequence[Asked]) -> list[Part]:
    """Return the questions as files, in order.

    Raises:
        ValueError: two have the same id.
    """
    if len({one.id for one in asked}) < len(asked):
        raise ValueError("ask_in_batch: two questions have the same id; expected each once")
    parts: list[Part] = []
    mine: list[Asked] = []
    lines: list[bytes] = []
    size = 0
    for one in asked:
        if len(mine) == MOST_LINES or size > MOST_BYTES:
            parts.append(Part(tuple(mine), b"".join(lines)))
            mine, lines, size = [], [], 0
        line = {"custom_id": str(len(mine)), "method": "POST", "url": URL,
                "body": body_of(ref, table, one.prompt, one.schema)}  # fmt: skip
        lines.append(json.dumps(line, ensure_ascii=False).encode(errors="replace") + b"\n")
        mine.append(one)
        size += len(lines[-1])
    return [*parts, Part(tuple(mine), b"".join(lines))] if mine else parts


def answers_of(
    part: Part, ref: ModelRef, table: NodeTable, lines: Mapping[str, Mapping[str, Any]], ended: str
) -> dict[str, Tried]:
    """Return each question's answer or failure, by the caller's own ids.

    Args:
        lines: `custom_id` to what the provider's files say of it.
        ended: how the batch ended, and its id: told of what it says nothing of.
    """
    return {one.id: _tried(one, ref, table, lines.get(str(at)), ended) for at, one in enumerate(part.asked)}


def body_of(ref: ModelRef, table: NodeTable, prompt: Prompt, schema: type[BaseModel]) -> dict[str, Any]:
    """Return the request, as the live adapter sends it."""
    messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
    return {"model": ref.name, "messages": messages, "response_format": response_format(schema),
            "max_completion_tokens": table.max_output_tokens, **sampling(ref, table)}  # fmt: skip


def _tried(one: Asked, ref: ModelRef, table: NodeTable, line: Mapping[str, Any] | None, ended: str) -> Tried:
    response = line.get("response") if line is not None else None
    if line is None or not isinstance(response, Mapping):
        code = _code(line.get("error") if line is not None else None)
        return _unavailable(f"{ref}: not answered: {ended}{code}")
    status, body = response.get("status_code"), response.get("body")
    if status != OK:
        return Tried(Usage(), failure=_refused(str(ref), status, body))
    words = json.dumps(body, ensure_ascii=False).encode(errors="replace")
    bounds = UsageBounds.of(one.prompt, schema_text(one.schema), table.max_output_tokens)
    if len(words) > most_bytes(table.max_output_tokens) or words.count(b"{") + words.count(b"[") > MOST_CONTAINERS:
        said = f"{ref}: a body of {len(words)} bytes; expected a completion"
        return Tried(bounds.estimate(), failure=Failure(ReplyUnreadable(said), Health.FAILED))
    return tried_of(str(ref), words, one.schema, bounds)


def _refused(ref: str, status: object, body: object) -> Failure:
    if not isinstance(status, int) or isinstance(status, bool) or not 400 <= status < 600:
        return Failure(ModelUnavailable(f"{ref}: status {status!r}; expected 200"))
    said = body.get("error") if isinstance(body, Mapping) else None
    request = httpx2.Request("POST", f"https://batch{URL}")
    message = said.get("message") if isinstance(said, Mapping) else None
    error = openai.APIStatusError(str(message or ""), response=httpx2.Response(status, request=request), body=said)
    return status_failure(ref, error)


def _unavailable(said: str) -> Tried:
    return Tried(Usage(), failure=Failure(ModelUnavailable(said), may_retry=True))


def _code(error: object) -> str:
    code = error.get("code") if isinstance(error, Mapping) else None
    return f" ({code})" if isinstance(code, str) and code.replace("_", "").isalnum() else ""
