"""How many tokens a call cost: the provider's figures where they can be true, else our own estimate."""

from collections.abc import Mapping
from dataclasses import dataclass

from pharmacy.domain.model import Prompt
from pharmacy.models.tokens import TOKENS_PER_MESSAGE, estimate_tokens

TOKENS_PER_SECOND = 80
"""About how fast a large model writes: what a call that was cut short is booked at."""

_SLACK = 4096
"""Tokens that a server may add by itself, such as its own system words."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one call."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    cache_write_tokens: int = 0


@dataclass(frozen=True)
class UsageBounds:
    """What a call's usage can be at all: a token is at least one byte."""

    prompt_bytes: int
    prompt_estimate: int
    max_output_tokens: int

    @classmethod
    def of(cls, prompt: Prompt, schema_text: str, max_output_tokens: int) -> "UsageBounds":
        """Return the bounds of asking `prompt` once."""
        words = [prompt.system, prompt.user, schema_text]
        size = sum(len(text.encode(errors="replace")) for text in words)
        return cls(size, sum(map(estimate_tokens, words)) + 2 * TOKENS_PER_MESSAGE, max_output_tokens)

    def estimate(self, output: str = "", seconds: float = 0.0) -> Usage:
        """Return our own figure for an answer `output`, or for one cut short after `seconds`."""
        written = max(estimate_tokens(output), round(seconds * TOKENS_PER_SECOND))
        return Usage(self.prompt_estimate, 0, min(written, self.max_output_tokens), estimated=True)

    def read(self, given: object, output: str) -> Usage:
        """Return the provider's figures, or our own estimate where those are missing or cannot be true."""
        if not isinstance(given, Mapping):
            return self.estimate(output)
        most = max(self.max_output_tokens, len(output.encode(errors="replace"))) + _SLACK
        prompt = _whole(given.get("prompt_tokens"), 1, self.prompt_bytes + _SLACK)
        completion = _whole(given.get("completion_tokens"), 0, most)
        if prompt is None or completion is None:
            return self.estimate(output)
        details = given.get("prompt_tokens_details")
        cached = _part(details, "cached_tokens", prompt)
        written = _part(details, "cache_write_tokens", prompt - cached)
        return Usage(prompt, cached, completion, cache_write_tokens=written)


def _whole(value: object, least: int, most: int) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if least <= value <= most else None


def _part(details: object, key: str, most: int) -> int:
    """A share of the prompt's tokens; one that cannot be true counts as none, which costs more, not less."""
    value = details.get(key) if isinstance(details, Mapping) else None
    return _whole(value, 0, most) or 0
