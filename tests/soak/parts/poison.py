"""Messages that break every run of theirs: each is parked after three, and the others are answered as before."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from graph.run import ReplyFlow
from graph.state import Request, RunContext
from pharmacy.domain.outcome import Outcome
from tests.api.shop import Shop, WordGate, assembled_with
from tests.fakes.openai_server import OpenAIFake
from tests.faults.rules import everyday
from tests.soak.inside import inside, settings_on, share
from tests.soak.part import Part, Run
from tests.soak.promises import Figure

SOUND, POISONED = 300, 20
PER_SECOND = 4
POISON = "毒"


@dataclass
class BreakingFlow:
    """The shipped flow, but one word breaks every run."""

    sound: ReplyFlow

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)

    async def run(self, request: Request, context: RunContext) -> Outcome:
        """Raise for the word, else do the real work."""
        if POISON in request.transcript.latest_text:
            raise ZeroDivisionError("a bug")
        return await self.sound.run(request, context)


def measure(run: Run) -> Iterator[Figure]:
    """Time sound messages alone, then beside poisoned ones."""
    alone, beside, parked, starts = asyncio.run(_compare(run))
    before, after = share(alone, 0.99), share(beside, 0.99)
    told = f"{after:.2f} s beside, {before:.2f} s alone"
    yield Figure("P9", "p99 of sound messages beside poisoned ones", told, "at most doubled", after <= 2 * before)
    poisoned = run.scaled(POISONED, 2)
    figure = f"{parked} of {poisoned} parked after {starts} starts"
    yield Figure("P9", "poisoned messages", figure, "all, after 3", parked == poisoned and starts == 3)


async def _compare(run: Run) -> tuple[list[float], list[float], int, int]:
    with OpenAIFake(latency_seconds=0.3) as provider:
        provider.script.rule = everyday
        shipped = assembled_with(settings_on(run.folder, provider), WordGate())
        async with inside(run.folder, provider, None, replace(shipped, replies=BreakingFlow(shipped.replies))) as shop:  # type: ignore[arg-type]
            alone = await _sound(shop, f"{run.token}alone", run.scaled(SOUND, 10))
            poisoned = [
                asyncio.create_task(shop.say(f"{run.token}poison{number}", f"{POISON}の相談です", wait=60))
                for number in range(run.scaled(POISONED, 2))
            ]
            beside = await _sound(shop, f"{run.token}beside", run.scaled(SOUND, 10))
            outcomes = [await told for told in poisoned]
            parked = sum((outcome.get("reason") or {}).get("code") == "parked" for outcome in outcomes)
            failed = (
                "SELECT max(n) FROM (SELECT count(*) n FROM runs WHERE state = 'failed' GROUP BY conversation_id) f"
            )
            return alone, beside, parked, (await shop.rows(failed))[0][0]


async def _sound(shop: Shop, name: str, count: int) -> list[float]:
    times = []

    async def say(number: int) -> None:
        began = time.perf_counter()
        await shop.say(f"{name}{number}", "葛根湯は食前ですか", wait=60)
        times.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(say(number))
            await asyncio.sleep(1 / PER_SECOND)
    return times


PART = Part("poisoned messages beside sound ones", ("P9",), 4, measure)
