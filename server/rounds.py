"""Take what waits in rounds: whatever comes while one is under way goes together in the next."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

AT_ONCE = 3
"""How many rounds are under way at most."""

PATIENCE_SECONDS = 0.05
"""After what time another round begins beside one that has not ended: what it waits for is not everybody's."""

LARGEST = 25
"""How much one round takes at most: nobody waits long behind it."""

ALONE = 8
"""How many transactions of what goes in no round, or in one no more, are under way: the store has other work too."""


U = TypeVar("U")
R = TypeVar("R")


@dataclass(frozen=True)
class Way:
    """What goes together: one sort of units of one pharmacy."""

    name: str
    pharmacy_id: str


@dataclass(frozen=True, eq=False)
class _Waiting:
    way: Way
    keys: frozenset[tuple[Way, str]]
    size: int
    unit: Any
    take: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
    result: asyncio.Future[Any]


class Rounds:
    """Those of one process. A round that fails is taken apart: each of its units then stands or falls alone."""

    def __init__(self) -> None:
        self.alone = asyncio.Semaphore(ALONE)
        """Held by what goes in no round, or in one no more."""

        self._waiting: list[_Waiting] = []
        self._busy: set[tuple[Way, str]] = set()
        self._rounds: set[asyncio.Task[None]] = set()
        self._next_at = 0.0
        self._later: asyncio.TimerHandle | None = None

    async def taken(
        self,
        way: Way,
        unit: U,
        take: Callable[[Sequence[U]], Awaitable[Sequence[R]]],
        *,
        keys: Collection[str],
        size: int = 1,
    ) -> R:
        """Return the unit's result once it is committed; raises what taking it alone raises.

        Args:
            take: does units of the way in one transaction and returns their results in the same order; for each way
                the same.
            keys: what the unit is about: no two with a key in common are under way at once.
            size: how much of a round it fills.
        """
        about = frozenset((way, key) for key in keys)
        waiting = _Waiting(way, about, size, unit, take, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._begin()
        result: R = await waiting.result
        return result

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        if self._rounds and loop.time() < self._next_at:
            self._later = self._later or loop.call_at(self._next_at, self._now)
        elif len(self._rounds) < AT_ONCE and (together := self._next()):
            self._next_at = loop.time() + PATIENCE_SECONDS
            self._busy.update(*(each.keys for each in together))
            # Of no caller: what one of them has said of itself is not to hold for the others.
            task = loop.create_task(self._done(together), context=Context())
            self._rounds.add(task)
            task.add_done_callback(partial(self._ended, together))
            self._begin()

    def _now(self) -> None:
        self._later = None
        self._begin()

    def _ended(self, together: Sequence[_Waiting], task: "asyncio.Task[None]") -> None:
        self._busy.difference_update(*(each.keys for each in together))
        self._rounds.discard(task)
        for each in together:
            each.result.cancel()  # one that has no result yet, because everything is being stopped
        self._begin()

    def _next(self) -> list[_Waiting]:
        """Return the next round, oldest first: of one way, and nothing that is under way."""
        together, left, room = list[_Waiting](), list[_Waiting](), LARGEST
        taken = {*self._busy}
        for each in self._waiting:
            if each.result.done():
                continue  # nobody waits for it any more
            beside = not together or (each.way == together[0].way and each.size <= room)
            if beside and taken.isdisjoint(each.keys):
                together.append(each)
                room -= each.size
            else:
                left.append(each)
            taken |= each.keys  # what waits for its own kind is not overtaken by a third
        self._waiting = left
        return together

    async def _done(self, together: Sequence[_Waiting]) -> None:
        try:
            results = await together[0].take([each.unit for each in together])
        except Exception as error:  # noqa: BLE001 (whoever waits for it is told)
            if len(together) > 1:
                await asyncio.gather(*(self._done_alone(each) for each in together))
            elif not together[0].result.done():
                together[0].result.set_exception(error)
            return
        for each, result in zip(together, results, strict=True):
            if not each.result.done():
                each.result.set_result(result)

    async def _done_alone(self, each: _Waiting) -> None:
        async with self.alone:
            await self._done([each])
