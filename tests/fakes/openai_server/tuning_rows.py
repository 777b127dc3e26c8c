"""Read a training file as the provider does when a job begins: every line, and the first fault named by its line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.openai_server.token_count import pieces, prompt_pieces

LEAST = 10
MOST_TOKENS = 65_536
"""Of one example, for the 4o and 4.1 families."""

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_KEYS = {
    "supervised": {"messages", "tools", "functions", "parallel_tool_calls"},
    "dpo": {"input", "preferred_output", "non_preferred_output"},
}
_MESSAGE_KEYS = {"role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal"}


class BadFile(Exception):
    """The file cannot be trained on; says why, as the provider would."""


@dataclass(frozen=True)
class Row:
    """One example."""

    messages: Sequence[Mapping[str, Any]]
    """What is asked, the last assistant message left out."""

    answer: str
    tokens: int
    refused: str | None = None
    """The answer that is not preferred; None but for preference pairs."""


def rows_of(content: bytes, method: str) -> list[Row]:
    """Return the examples of a file.

    Raises:
        BadFile: a line is not as it must be, or there are too few.
    """
    if content.startswith(b"\xef\xbb\xbf"):
        raise BadFile("Line 1 is not valid JSON: unexpected byte order mark.")
    lines = content.decode("utf-8", "replace").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    found = [_row(number, line, method) for number, line in enumerate(lines, 1)]
    if len(found) < LEAST:
        raise BadFile(f"Training file has {len(found)} example(s), but must have at least {LEAST} examples.")
    return found


def _row(number: int, line: str, method: str) -> Row:
    try:
        value = json.loads(line)
    except ValueError:
        raise BadFile(f"Expected file to have JSONL format, where every line is a valid JSON dictionary. Line {number} "
                      "is not a dictionary that starts with `{`.") from None  # fmt: skip
    if not isinstance(value, dict):
        raise BadFile(f"Invalid file format. Line {number} is not a JSON object.")
    if extra := value.keys() - _KEYS[method]:
        raise BadFile(f"Invalid file format. Line {number} has the unexpected key '{min(extra)}'.")
    row = _supervised(number, value) if method == "supervised" else _preference(number, value)
    if row.tokens > MOST_TOKENS:
        raise BadFile(f"Line {number} has {row.tokens} tokens, which exceeds the limit of {MOST_TOKENS}.")
    return row


def _supervised(number: int, value: Mapping[str, Any]) -> Row:
    messages = _messages(number, value.get("messages"), "messages")
    if messages[-1]["role"] != "assistant":
        raise BadFile(f"Invalid file format. Line {number}: the last message must be from the assistant.")
    _refuse_without_user(number, messages)
    answer = str(messages[-1]["content"])
    return Row(messages[:-1], answer, len(prompt_pieces(messages, None)))


def _preference(number: int, value: Mapping[str, Any]) -> Row:
    asked = value.get("input")
    if not isinstance(asked, dict):
        raise BadFile(f"Invalid file format. Line {number} is missing the key 'input'.")
    messages = _messages(number, asked.get("messages"), "input.messages")
    _refuse_without_user(number, messages)
    answers = []
    for key in ("preferred_output", "non_preferred_output"):
        said = _messages(number, value.get(key), key)
        if len(said) != 1 or said[0]["role"] != "assistant":
            raise BadFile(f"Invalid file format. Line {number}: '{key}' must be one assistant message.")
        answers.append(str(said[0]["content"]))
    if answers[0] == answers[1]:
        raise BadFile(f"Invalid file format. Line {number}: both outputs are the same.")
    tokens = len(prompt_pieces(messages, None)) + sum(len(pieces(answer)) for answer in answers)
    return Row(messages, answers[0], tokens, answers[1])


def _messages(number: int, value: object, key: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise BadFile(f"Invalid file format. Line {number} is missing the key '{key}', a non-empty list.")
    for at, message in enumerate(value):
        place = f"Line {number}, message {at + 1}"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise BadFile(f'Invalid file format. {place}, key "role": expected one of {[*ROLES]}.')
        if extra := message.keys() - _MESSAGE_KEYS:
            raise BadFile(f"Invalid file format. {place} has the unexpected key '{min(extra)}'.")
        if not isinstance(message.get("content"), str) or not message["content"].strip():
            raise BadFile(f'Invalid file format. {place}, key "content": expected a non-empty string.')
        if message.get("weight", 1) not in (0, 1):
            raise BadFile(f'Invalid file format. {place}, key "weight": expected 0 or 1.')
    return value


def _refuse_without_user(number: int, messages: Sequence[Mapping[str, Any]]) -> None:
    if all(message["role"] != "user" for message in messages):
        raise BadFile(f"Invalid file format. Line {number} has no user message.")
