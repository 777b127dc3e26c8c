"""The queue at each limited model, which every process that opens this database stands in."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.pace import ModelLimit, Pace, Priority, Turn
from pharmacy.storage.database import Database
from pharmacy.storage.refusals import StoreBusy

TRIES = 3
"""How often the store is asked."""

WAIT_SECONDS = 0.2
_EVER_SECONDS = 3e8
"""Ten years: nobody is so far ahead."""

_TAKE = text("""
SELECT granted, wait_seconds FROM kakari_take_turn(
    :model, :requests_pace, :requests_at_once, :tokens_pace, :tokens_at_once, :tokens, :owed_requests, :owed_tokens,
    :ahead_seconds, :longest_seconds, NULL)
""")
_HOLD = text("""
UPDATE model_queues SET
    requests_until = greatest(requests_until, clock_timestamp() + make_interval(secs => :requests_seconds)),
    tokens_until = greatest(tokens_until, clock_timestamp() + make_interval(secs => :tokens_seconds))
WHERE model = :model
""")
_UNTIL = text("SELECT model, requests_until, tokens_until, clock_timestamp() AS now FROM model_queues")

log = logging.getLogger(__name__)


@dataclass
class Owed:
    """What this process has counted too little, or too much where it is below 0."""

    requests: int = 0
    tokens: int = 0


@dataclass(frozen=True)
class ModelQueue:
    """This process's way to the queues."""

    database: Database
    owed: dict[str, Owed] = field(default_factory=lambda: defaultdict(Owed))
    """By model; it goes with the next call. What never goes is no matter a minute later."""

    async def take(self, limit: ModelLimit, tokens: int, priority: Priority, longest_seconds: float) -> Turn:
        """Count one call of so many tokens, unless it would have to wait for longer than `longest_seconds`.

        A call for a patient queues; any other goes out now or is told when to ask again.

        Raises:
            StoreBusy: how much is asked cannot be known; without that no call is made.
        """
        owed = self.owed.pop(limit.model, Owed())
        queues = priority is Priority.PATIENT
        asked = {
            **_paces(limit), "model": limit.model, "tokens": tokens, "owed_requests": owed.requests,
            "owed_tokens": owed.tokens, "longest_seconds": longest_seconds if queues else 0.0,
            "ahead_seconds": min(priority.ahead_seconds, _EVER_SECONDS),
        }  # fmt: skip
        try:
            row = await self._patiently(asked)
        except BaseException:
            self.owe(limit, owed.requests, owed.tokens)
            raise
        return Turn(row.granted, row.wait_seconds)

    def owe(self, limit: ModelLimit, requests: int, tokens: int) -> None:
        """Count so much more, or less where it is below 0, with the next call that this process counts."""
        mine = self.owed[limit.model]
        mine.requests += requests
        mine.tokens += tokens

    async def hold(self, limit: ModelLimit, seconds: float) -> None:
        """Let nobody ask for so long: the provider said so. Where that cannot be written, each finds out by itself."""
        paces = (Pace.of(limit.requests_per_minute), Pace.of(limit.tokens_per_minute))
        requests, tokens = (seconds + (pace.at_once / pace.per_second if pace else 0.0) for pace in paces)
        told = {"model": limit.model, "requests_seconds": requests, "tokens_seconds": tokens}
        try:
            async with self.database.look() as connection:
                await connection.execute(_HOLD, told)
        except StoreBusy:
            log.warning("model_not_held model=%s seconds=%.1f", limit.model, seconds)

    async def _patiently(self, asked: Mapping[str, Any]) -> Any:
        for left in reversed(range(TRIES)):
            try:
                async with self.database.look() as connection:
                    return (await connection.execute(_TAKE, asked)).one()
            except StoreBusy:
                if not left:
                    raise
                await asyncio.sleep(WAIT_SECONDS)
        raise AssertionError("TRIES is above 0")


async def waits(tx: AsyncConnection, limits: Mapping[str, ModelLimit]) -> dict[str, float]:
    """Return each limit with the seconds, at least 0, that a patient's small call would wait for its turn now."""
    rows = {row.model: row for row in await tx.execute(_UNTIL)}
    return {name: _wait(rows[name], limit) if name in rows else 0.0 for name, limit in limits.items()}


def _wait(row: Any, limit: ModelLimit) -> float:
    paced = ((row.requests_until, limit.requests_per_minute), (row.tokens_until, limit.tokens_per_minute))
    waits: list[float] = [
        (until - row.now).total_seconds() - pace.at_once / pace.per_second
        for until, most in paced
        if (pace := Pace.of(most))
    ]
    return max(0.0, *waits)


def _paces(limit: ModelLimit) -> dict[str, float | None]:
    requests, tokens = Pace.of(limit.requests_per_minute), Pace.of(limit.tokens_per_minute)
    return {
        "requests_pace": requests.per_second if requests else None,
        "requests_at_once": requests.at_once if requests else None,
        "tokens_pace": tokens.per_second if tokens else None,
        "tokens_at_once": tokens.at_once if tokens else None,
    }
