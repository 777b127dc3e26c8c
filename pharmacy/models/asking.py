"""The one retry loop: one question to one model at a time, each try timed, booked, and held against the breaker."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel

from pharmacy.domain.errors import DeadlinePassed, ModelLimited, ModelUnavailable
from pharmacy.domain.model import GIVEN_UP, Early, Prompt
from pharmacy.models.breaker import Health
from pharmacy.models.budget import Held
from pharmacy.models.ledger import Ledger
from pharmacy.models.retry_policy import RetryPolicy
from pharmacy.models.tried import Failure, Target, Tried
from pharmacy.models.usage import Usage

WAITING_PART = 0.5
"""Of the time that is left, how much a call may spend in its model's queue: then it still has to be answered."""


@dataclass
class Asking:
    """One call of a node, over all its tries."""

    node: str
    prompt: Prompt
    schema: type[BaseModel]
    ledger: Ledger
    retry: RetryPolicy
    early: Early | None = None
    """Who is told of the answer's first fields."""

    tries: int = 0
    """How many have been made, of all targets."""

    async def of(self, target: Target, cheaper: Target | None = None) -> Tried:
        """Return the last try of `target`: an answer, or the failure it was left with.

        Args:
            cheaper: who is asked in its place once a budget is nearly used up.

        Raises:
            DeadlinePassed, CallsUsedUp: the message's account is empty.
            BudgetReached: a budget is used up, or nearly so and `cheaper` costs less.
        """
        for attempt in range(1, self.retry.attempts + 1):
            self.ledger.check()
            if target.breaker and not target.breaker.admits():
                return _not_admitted(target)
            tried = await self._once(target, cheaper)
            if attempt == self.retry.attempts or not await self._may_go_on(target, tried.failure, attempt):
                break
        return tried

    async def _may_go_on(self, target: Target, failure: Failure | None, attempt: int) -> bool:
        if failure is None or not failure.may_retry or (target.breaker and target.breaker.is_open):
            return False
        wait = self.retry.wait_seconds(failure, attempt)
        if wait > self.retry.longest_wait_seconds or wait >= self.ledger.remaining_seconds:
            return False
        await asyncio.sleep(wait)
        return True

    async def _once(self, target: Target, cheaper: Target | None) -> Tried:
        longest = self.ledger.remaining_seconds * WAITING_PART
        try:
            slot = await self.ledger.slots.take(target, self.prompt, self.schema, longest)
        except ModelLimited as error:
            return Tried(Usage(), failure=Failure(error, Health.UNTOLD, may_fall_back=True))
        ended: Held | None = None
        try:
            self.ledger.admit()
            async with self.ledger.budget.held(target, self.prompt, self.schema, cheaper) as ended:
                self.tries += 1
                tried = await self._timed(target, ended, slot.waited_seconds)
        finally:
            await slot.end(ended.tried if ended else None)
        if target.breaker:
            target.breaker.note(tried.failure.health if tried.failure else Health.ALIVE)
        return tried

    async def _timed(self, target: Target, held: Held, waited_seconds: float) -> Tried:
        started, begun = datetime.now(UTC), time.monotonic()
        if self.early:
            self.early.arrived = ""
        limit = min(target.timeout_seconds, self.ledger.remaining_seconds)
        try:
            # Total, not idle: a drip of one byte a second must not keep a patient waiting.
            async with asyncio.timeout(limit):
                tried = await target.ask(self.prompt, self.schema, self.early)
        except TimeoutError:
            tried = self._timed_out(target, limit)
        except BaseException as error:  # cancelled, or a bug: the provider may bill it all the same
            cut = GIVEN_UP if isinstance(error, asyncio.CancelledError) else type(error).__name__
            held.tried = self._cut_short(target, time.monotonic() - begun)
            self._book(target, held.tried, started, begun, cut, waited_seconds)
            raise
        held.tried = tried
        said = str(tried.failure.error) if tried.failure else None
        self._book(target, tried, started, begun, said, waited_seconds)
        return tried

    def _timed_out(self, target: Target, limit: float) -> Tried:
        usage = self._cut_short(target, limit).usage
        said = f"{target.ref}: no answer within {limit:.3g} s"
        if limit < target.timeout_seconds:
            # The message's own time was over: that says nothing of the endpoint.
            return Tried(usage, failure=Failure(DeadlinePassed(said), Health.UNTOLD))
        failure = Failure(ModelUnavailable(said), Health.FAILED, may_retry=True, may_fall_back=True)
        return Tried(usage, failure=failure)

    def _cut_short(self, target: Target, seconds: float) -> Tried:
        bounds = target.bounds(self.prompt, self.schema)
        # Of a stream it is known how far it came; else we take it that the model wrote all the time.
        if self.early and self.early.arrived:
            return Tried(bounds.estimate(self.early.arrived))
        return Tried(bounds.estimate(seconds=seconds))

    def _book(
        self, target: Target, tried: Tried, started: datetime, begun: float, error: str | None, waited_seconds: float
    ) -> None:
        took = time.monotonic() - begun
        self.ledger.book(self.node, self.prompt, target.ref, tried, started, took, self.tries, error, waited_seconds)


def _not_admitted(target: Target) -> Tried:
    error = ModelUnavailable(f"{target.ref}: its endpoint is down and not called until the next probe")
    return Tried(Usage(), failure=Failure(error, Health.UNTOLD, may_fall_back=True))
