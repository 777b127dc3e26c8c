"""Faults in which the completion arrives, but is not as it should be."""

import json
from collections.abc import Callable
from typing import Any

from tests.fakes.openai_server.faults.fault import Completion, Fault


def refusal(words: str = "申し訳ありませんが、お答えできません。") -> Fault:
    """The model declines."""
    return _message_as("refusal", content=None, refusal=words)


def finish(reason: str) -> Fault:
    """The answer stops half-way with `length` or `content_filter`."""

    def bend(completion: Completion) -> Completion:
        choice = completion["choices"][0]
        choice["finish_reason"] = reason
        content = choice["message"]["content"]
        choice["message"]["content"] = content[: len(content) // 2]
        return completion

    return Fault(f"finish_{reason}", bend=bend)


def cut_content() -> Fault:
    """The JSON of the answer stops half-way though the finish reason is stop."""
    return _content_as("cut_content", lambda content: content[: len(content) // 2])


def null_content() -> Fault:
    """The message's content is null."""
    return _message_as("null_content", content=None)


def empty_content() -> Fault:
    """The message's content is empty."""
    return _message_as("empty_content", content="")


def no_choices() -> Fault:
    """`choices` is an empty list."""
    return Fault("no_choices", bend=lambda completion: {**completion, "choices": []})


def field_as(name: str, value: Any) -> Fault:
    """A field of the completion is `value`: choices null, a list for the model …"""
    return Fault(f"field_{name}", bend=lambda completion: {**completion, name: value})


def no_usage() -> Fault:
    """The completion carries no usage."""
    return Fault("no_usage", bend=lambda completion: {k: v for k, v in completion.items() if k != "usage"})


def usage_of(prompt: Any, completion: Any, cached: Any = 0) -> Fault:
    """The completion carries these token figures."""
    details = {"cached_tokens": cached}
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "prompt_tokens_details": details}
    return field_as("usage", usage)


def content(text: str) -> Fault:
    """The answer's content is this text."""
    return _content_as("content", lambda _: text)


def duplicate_keys() -> Fault:
    """The answer's first key stands twice, with different values."""

    def twice(text: str) -> str:
        first, *rest = json.loads(text).items()
        pairs = [(first[0], "別の値"), first, *rest]
        return "{" + ", ".join(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in pairs) + "}"

    return _content_as("duplicate_keys", twice)


def not_a_number() -> Fault:
    """Every whole number of the answer is NaN."""

    def bend(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bend(part) for key, part in value.items()}
        if isinstance(value, list):
            return [bend(part) for part in value]
        return float("nan") if isinstance(value, int | float) and not isinstance(value, bool) else value

    return _content_as("not_a_number", lambda text: json.dumps(bend(json.loads(text)), ensure_ascii=False))


def text_before() -> Fault:
    """Words stand before the answer's JSON."""
    return _content_as("text_before", lambda text: f"はい、こちらです。\n{text}")


def _message_as(name: str, **changes: Any) -> Fault:
    def bend(completion: Completion) -> Completion:
        completion["choices"][0]["message"].update(changes)
        return completion

    return Fault(name, bend=bend)


def _content_as(name: str, change: Callable[[str], str]) -> Fault:
    def bend(completion: Completion) -> Completion:
        message = completion["choices"][0]["message"]
        message["content"] = change(message["content"])
        return completion

    return Fault(name, bend=bend)
