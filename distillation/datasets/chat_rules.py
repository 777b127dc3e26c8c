"""What OpenAI documents of a row to train from: its keys, roles and their order; one fault per row, in words.

Source: https://platform.openai.com/docs/guides/supervised-fine-tuning and /docs/guides/direct-preference-optimization
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pharmacy.models.tokens import TOKENS_PER_MESSAGE, estimate_tokens

Form = Literal["supervised", "preference"]
FORMS: tuple[Form, ...] = ("supervised", "preference")

_PAIR = ("input", "preferred_output", "non_preferred_output")
_ROLES = ("system", "user", "assistant")


class RowFault(Exception):
    """What is wrong with a row."""


@dataclass(frozen=True)
class CheckedRow:
    """A row without fault."""

    form: Form
    tokens: int
    """About how many."""


def checked(value: Any) -> CheckedRow:
    """Return what `value` is.

    Raises:
        RowFault: it is no row to train from.
    """
    if not isinstance(value, dict):
        raise RowFault(f"is {_kind(value)}; expected an object")
    if "input" in value:
        return _pair(value)
    _keys(value, ("messages",), "the row")
    messages = _messages(value["messages"], "messages")
    if messages[-1]["role"] != "assistant":
        raise RowFault(f"messages end with the {messages[-1]['role']}'s; expected the assistant's answer at the end")
    return CheckedRow("supervised", _tokens(messages))


def _pair(value: dict[str, Any]) -> CheckedRow:
    _keys(value, _PAIR, "the row")
    if not isinstance(value["input"], dict):
        raise RowFault(f"input is {_kind(value['input'])}; expected an object")
    _keys(value["input"], ("messages",), "input")
    asked = _messages(value["input"]["messages"], "input.messages")
    if asked[-1]["role"] != "user":
        raise RowFault(f"input.messages end with the {asked[-1]['role']}'s; expected the user's question at the end")
    answers = [_only_answer(value[name], name) for name in _PAIR[1:]]
    if answers[0]["content"] == answers[1]["content"]:
        raise RowFault("preferred_output and non_preferred_output are the same; expected a better and a worse one")
    return CheckedRow("preference", _tokens([*asked, *answers]))


def _only_answer(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, list) or len(value) != 1:
        raise RowFault(f"{place} is {_kind(value)}; expected a list of one message")
    message = _message(value[0], f"{place}[0]")
    if message["role"] != "assistant":
        raise RowFault(f"{place}[0].role is {message['role']!r}; expected 'assistant'")
    return message


def _messages(value: Any, place: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise RowFault(f"{place} is {_kind(value)}; expected a list with at least one message")
    messages = [_message(each, f"{place}[{at}]") for at, each in enumerate(value)]
    expected = "user"
    for at, message in enumerate(messages):
        role = message["role"]
        if role == "system":
            if at:
                raise RowFault(f"{place}[{at}] is a system message; expected one at most, at the beginning")
            continue
        if role != expected:
            raise RowFault(f"{place}[{at}].role is {role!r}; expected {expected!r}: user and assistant take turns")
        expected = "assistant" if role == "user" else "user"
    if messages[-1]["role"] == "system":
        raise RowFault(f"{place} hold no question; expected a user message")
    return messages


def _message(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RowFault(f"{place} is {_kind(value)}; expected an object")
    role = value.get("role")
    if role not in _ROLES:
        raise RowFault(f"{place}.role is {role!r}; expected one of {list(_ROLES)}")
    _keys(value, ("role", "content"), place, ("weight",) if role == "assistant" else ())
    if not isinstance(value["content"], str) or not value["content"].strip():
        raise RowFault(f"{place}.content is empty or no text; expected words")
    if "weight" in value and (isinstance(value["weight"], bool) or value["weight"] not in (0, 1)):
        raise RowFault(f"{place}.weight is {value['weight']!r}; expected 0 or 1")
    return value


def _keys(value: dict[str, Any], needed: Sequence[str], place: str, also: Sequence[str] = ()) -> None:
    for name in needed:
        if name not in value:
            raise RowFault(f"{place} has no {name!r}; expected {list(needed)}")
    for name in value:
        if name not in needed and name not in also:
            raise RowFault(f"{place} has {name[:40]!r}; expected only {[*needed, *also]}")


def _tokens(messages: Sequence[dict[str, Any]]) -> int:
    return sum(estimate_tokens(message["content"]) + TOKENS_PER_MESSAGE for message in messages)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, dict) else "text" if isinstance(value, str) else repr(value)
