"""One way of writing the five steps, in a process of its own: `python -m tests.bench.ways WAY URL`; prints JSON."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from pharmacy.domain.profile import Profile
from tests.bench.ways.by_hand import ByHand
from tests.bench.ways.flow_alone import FlowAlone
from tests.bench.ways.program import Program
from tests.bench.ways.steps import Steps, built
from tests.bench.ways.usual import Usual
from tests.bench.ways.valgrind_counts import counted

WAYS: dict[str, Callable[[Steps, str], Any]] = {
    "by_hand": ByHand,
    "usual": Usual,
    "usual_streamed": lambda steps, url: Usual(steps, url, streaming=True),
    "flow": lambda steps, _: FlowAlone(steps, None),
    **{profile.value: lambda steps, _, p=profile: FlowAlone(steps, p) for profile in Profile},
    "program": lambda _, url: Program(url),
}
_COUNTED = ("requests", "tokens", "cancelled", "simulator_ms")
_WARM = 16
"""Messages before anything is counted: imports, caches, connections."""


async def measured(way: Any, url: str, count: int, in_flight: int) -> dict[str, Any]:
    """Return what `count` messages took, so many at once.

    `overheads` are seconds of a message in which none of its model calls was being answered.
    """
    await _answered(way, range(-_WARM, 0), min(in_flight, _WARM))
    before, memory = await _told(url), _resident_kb()
    cpu, began = way.cpu_seconds(), time.perf_counter()
    with counted():
        times, failed = await _answered(way, range(count), in_flight)
    seconds, cpu = time.perf_counter() - began, {name: value - cpu[name] for name, value in way.cpu_seconds().items()}
    after = await _told(url)
    waited = {int(number): taken for number, taken in after["seconds"].items()}
    return {
        "messages": count, "in_flight": in_flight, "failed": failed, "seconds": seconds,
        "cpu_ms": {name: value * 1000 / count for name, value in cpu.items()},
        "times": [times[number] for number in sorted(times)],
        "overheads": [times[number] - waited.get(number, 0.0) for number in sorted(times)],
        "kb_in_flight": (_peak_kb() - memory) / in_flight, "most_connections": after["most_connections"],
        "most_at_once": after["most_at_once"],
        **{f"{name}_each": (after[name] - before[name]) / count for name in _COUNTED},
    }  # fmt: skip


async def _answered(way: Any, numbers: range, in_flight: int) -> tuple[dict[int, float], int]:
    waiting, times, failed = iter(numbers), dict[int, float](), 0

    async def one_after_another() -> None:
        nonlocal failed
        for number in waiting:
            began = time.perf_counter()
            try:
                await way.answer(number)
            except Exception as error:  # noqa: BLE001  # counted: a time-out is a result here
                failed += 1
                print(f"{type(error).__name__}: {error}"[:200], file=sys.stderr)
            times[number] = time.perf_counter() - began

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(one_after_another())
    return times, failed


async def _told(url: str) -> dict[str, Any]:
    async with aiohttp.request("GET", f"{url}/told") as answer:
        return dict(await answer.json())


def _resident_kb() -> int:
    """Return what this process has in memory, and let its peak begin anew from there (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _of_status("VmRSS")


def _peak_kb() -> int:
    return _of_status("VmHWM")


def _of_status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


async def run(name: str, url: str, count: int, in_flight: int) -> dict[str, Any]:
    """Return the figures of the way `name`."""
    way = WAYS[name](Steps(built(url)), url)
    try:
        return {"way": name, **await measured(way, url, count, in_flight)}
    finally:
        await way.aclose()


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("url", help="of the simulated provider")
    parser.add_argument("--count", type=int, default=100, help="messages")
    parser.add_argument("--in-flight", type=int, default=16, help="messages at once")
    asked = parser.parse_args()
    print(json.dumps(uvloop.run(run(asked.way, asked.url, asked.count, asked.in_flight))))


main()
