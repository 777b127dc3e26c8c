"""Emergencies while every model hangs and other messages pile up: how soon each is with a person; the gate's times."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from graph.assemble import assemble_from
from pharmacy.domain.gates.recognise import Recogniser
from tests.api.shop import Shop
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.faults import hang
from tests.soak.inside import inside, settings_on, share
from tests.soak.part import Part, Run
from tests.soak.promises import Figure

ROWS = Path(__file__).resolve().parents[2] / "data" / "gate-utterances.jsonl"
EMERGENCIES = 200
URGENT_TEXT = "さっきから胸が締めつけられるように痛くて、冷や汗が出ています"


def measure(run: Run) -> Iterator[Figure]:
    """Write emergencies between everyday messages, then time the gate itself."""
    count = run.scaled(EMERGENCIES, 10)
    times = asyncio.run(_write(run, count))
    p99 = share(times, 0.99)
    yield Figure(
        "P8", f"{count} emergencies, every model hung: p99 until on the list of cases", f"{p99:.2f} s", "5 s", p99 <= 5
    )
    yield from _gate()


async def _write(run: Run, count: int) -> list[float]:
    with OpenAIFake() as provider:
        provider.script.fail(hang(), times=None)
        async with inside(run.folder, provider, assembled=assemble_from(settings_on(run.folder, provider))) as shop:
            times = []
            for number in range(count):
                await shop.say(f"{run.token}everyday{number}", "葛根湯は食前ですか", wait=None)
                began = time.perf_counter()
                await shop.say(f"{run.token}urgent{number}", URGENT_TEXT, wait=None)
                await shop.until(lambda number=number: _listed(shop, f"{run.token}urgent{number}"), 30)
                times.append(time.perf_counter() - began)
                run.progress.update(run.bar, completed=number + 1, total=count)
            return times


async def _listed(shop: Shop, conversation_id: str) -> bool:
    shown = await shop.http.get(f"/v1/conversations/{conversation_id}")
    return shown.status_code == 200 and shown.json()["tier"] == "E"


def _gate() -> Iterator[Figure]:
    recogniser = Recogniser.load()
    texts = [json.loads(line)["text"] for line in ROWS.read_text(encoding="utf-8").splitlines()]
    for text in texts:  # the engine builds its automata while it reads; a server has done so long ago
        recogniser.recognise(text)
    p99 = share([_seconds(recogniser, text) for text in texts * 4], 0.99) * 1000
    yield Figure("P8", "gate on the public rows, warm: p99", f"{p99:.1f} ms", "5 ms", p99 <= 5)
    shuffled = "".join(random.Random(7).sample(texts, len(texts)))
    hostile = [shuffled[:5000], "胸が" * 2500, "ない" * 2500, "が" + "\u3099" * 4999, "😭" * 5000, "む ね が " * 1000]
    worst = max(min(_seconds(recogniser, text) for _ in range(3)) for text in hostile) * 1000
    yield Figure("P8", "gate, worst hostile 5,000 characters", f"{worst:.0f} ms", "50 ms", worst <= 50)


def _seconds(recogniser: Recogniser, text: str) -> float:
    began = time.perf_counter()
    recogniser.recognise(text)
    return time.perf_counter() - began


PART = Part("emergencies while every model hangs; the gate's times", ("P8",), 3, measure)
