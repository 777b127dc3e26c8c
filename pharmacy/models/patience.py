"""Ask a provider something that may be asked twice: again while that may help."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import openai

from pharmacy.models.retry_after import retry_after_seconds

Answer = TypeVar("Answer")
_TRANSIENT = frozenset({408, 409, 429})


@dataclass(frozen=True)
class Patience:
    """The only retries there are: the client's own are off."""

    attempts: int = 5
    first_wait_seconds: float = 1.0
    """Doubled after each attempt."""

    longest_wait_seconds: float = 60.0

    def wait_seconds(self, error: openai.APIError, attempt: int) -> float:
        """Return how long to wait after the `attempt`-th failure, counted from 1."""
        asked = None
        if isinstance(error, openai.APIStatusError):
            asked = retry_after_seconds(error.response.headers, datetime.now(UTC))
        wait = asked if asked is not None else self.first_wait_seconds * 2 ** (attempt - 1)
        return min(wait, self.longest_wait_seconds)


def is_transient(error: openai.APIError) -> bool:
    """Return whether asking again may help."""
    if isinstance(error, openai.APIStatusError):
        return (error.status_code in _TRANSIENT or error.status_code >= 500) and error.code != "insufficient_quota"
    return isinstance(error, openai.APIConnectionError)


async def again_while_it_helps(ask: Callable[[], Awaitable[Answer]], patience: Patience) -> Answer:
    """Return what `ask` brings; it must be harmless to ask it twice.

    Raises:
        openai.APIError: it was refused, or nobody answered in time.
    """
    for attempt in range(1, patience.attempts + 1):
        try:
            return await ask()
        except openai.APIError as error:
            if attempt == patience.attempts or not is_transient(error):
                raise
            await asyncio.sleep(patience.wait_seconds(error, attempt))
    raise AssertionError("the last attempt returns or raises")
