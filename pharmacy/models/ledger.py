"""What one message's model calls may still take, and what they took: one deadline, one count, every call booked."""

from collections.abc import Callable
from datetime import datetime

from pharmacy.domain.errors import CallsUsedUp, DeadlinePassed
from pharmacy.domain.model import ModelCall, Prompt
from pharmacy.models.budget import Budget
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.slots import Slots
from pharmacy.models.tried import Tried


class Ledger:
    """The account of one message."""

    def __init__(
        self, deadline_seconds: float, calls: int, prices: Prices, clock: Callable[[], float], budget: Budget,
        slots: Slots,
    ) -> None:  # fmt: skip
        """Start the clock; `clock` gives monotonic seconds."""
        self.budget = budget
        self.slots = slots
        self._seconds = deadline_seconds
        self._limit = calls
        self._prices = prices
        self._clock = clock
        self._end = clock() + deadline_seconds
        self._admitted = 0
        self.calls: list[ModelCall] = []
        self.fallback_used = False
        self.models: dict[str, str] = {}

    @property
    def remaining_seconds(self) -> float:
        """Time left for the message; may be negative."""
        return self._end - self._clock()

    @property
    def cost_usd(self) -> float | None:
        """The cost of all calls so far; None when one's price is unknown."""
        costs = [call.cost_usd for call in self.calls]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def check(self) -> None:
        """Refuse a further call when the account is empty.

        Raises:
            DeadlinePassed: the message's time is over.
            CallsUsedUp: it may make no more calls.
        """
        if self.remaining_seconds <= 0:
            raise DeadlinePassed(f"no answer within {self._seconds:g} s")
        if self._admitted >= self._limit:
            raise CallsUsedUp(f"{self._admitted} model calls made; expected at most {self._limit} for one message")

    def admit(self) -> None:
        """Count one more call; refuses as `check` does."""
        self.check()
        self._admitted += 1

    def note_answer(self, node: str, served: str, *, by_fallback: bool) -> None:
        """Remember which model a node's newest answer is from."""
        self.models[node] = served
        self.fallback_used |= by_fallback

    def book(
        self, node: str, prompt: Prompt, asked: ModelRef, tried: Tried, started: datetime, seconds: float, attempt: int,
        error: str | None, waited_seconds: float,
    ) -> None:  # fmt: skip
        """Keep one call for good."""
        usage = tried.usage
        self.calls.append(
            ModelCall(
                node=node,
                prompt_file=prompt.file,
                prompt_fingerprint=prompt.fingerprint,
                blanks=prompt.blanks,
                model_asked=str(asked),
                model_served=tried.served,
                output=tried.output,
                prompt_tokens=usage.prompt_tokens,
                cached_tokens=usage.cached_tokens,
                completion_tokens=usage.completion_tokens,
                tokens_estimated=usage.estimated,
                cost_usd=self._prices.cost_usd(asked, tried.served, usage),
                started_at=started,
                seconds=seconds,
                attempt=attempt,
                error=error,
                waited_seconds=waited_seconds,
            )
        )
