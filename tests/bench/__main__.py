"""Measure gate, local flow and start, and print one table: `python -m tests.bench [PART]`."""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from evaluation.student_examples import read_examples
from graph.assemble import Files, assemble
from graph.state import Request, RunContext
from nodes.classify import classification_schema
from nodes.load import load_flow
from nodes.screen import Standing
from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.conversation import Author, Transcript, Turn
from pharmacy.domain.facts import Patient
from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.domain.model import Prompt
from pharmacy.domain.products.read import product_from, shipped
from pharmacy.models.local.student import Student
from pharmacy.settings import Settings
from tests.bench.console import console_figures
from tests.bench.cost.told import cost_figures
from tests.bench.desk import desk_figures
from tests.bench.figures_page import figures_page_figures
from tests.bench.keep import KEPT
from tests.bench.numbers import numbers_figures
from tests.bench.shape import shape_figures
from tests.bench.speed import BLOCKS, speed_figures

ROWS = Path(__file__).parents[1] / "data" / "gate-utterances.jsonl"
Figure = tuple[str, str]


def gate() -> Iterator[Figure]:
    """Time the gate on the public rows, and on hostile texts of 5,000 characters."""
    recogniser = Recogniser.load()
    texts = [json.loads(line)["text"] for line in ROWS.read_text(encoding="utf-8").splitlines()]
    for text in texts:  # the engine builds its automata while it reads; a server has done so long ago
        recogniser.recognise(text)
    times = sorted(_milliseconds(lambda text=text: recogniser.recognise(text)) for text in texts * 8)
    yield (
        "gate, warm, public rows",
        f"p50 {median(times):.2f} ms, p99 {times[int(len(times) * 0.99)]:.2f} ms, n {len(times)}",
    )
    worst = max(
        min(_milliseconds(lambda text=text: recogniser.recognise(text)) for _ in range(3)) for text in _hostile(texts)
    )
    yield "gate, worst hostile 5,000 characters", f"{worst:.1f} ms"


def flow() -> Iterator[Figure]:
    """Time the whole flow on local models, one message at a time."""
    settings = Settings()
    built = assemble(Files(settings.flow_file, settings.models_file, settings.prompts_folder), "local", {})
    catalogue = Catalogue(tuple(product_from(product_id, body) for product_id, body in shipped().items()))
    now = datetime.now(UTC)
    turn = Turn(Author.PATIENT, "葛根湯は食前と食後どちらに飲めばいいですか", now)
    request = Request(Transcript((turn,)), Standing(now, Patient("p")), built.flow.first_phase)

    async def run() -> list[float]:
        cpu = []
        for _ in range(200):
            started = time.process_time()
            await built.replies.run(request, RunContext(built.models_for_run(), catalogue))
            cpu.append((time.process_time() - started) * 1000)
        return cpu[20:]

    times = asyncio.run(run())
    yield "flow on local models, CPU per message", f"median {median(times):.2f} ms, n {len(times)}"


def students() -> Iterator[Figure]:
    """Time the local classifier on short, long and longest texts."""
    student, schema = Student.load("classify"), classification_schema(load_flow(Settings().flow_file))
    texts = "".join(example.text for example in read_examples("classify", "held_out"))

    async def once(prompt: Prompt) -> float:
        started = time.process_time()
        await student.answer(prompt, schema)
        return (time.process_time() - started) * 1000

    for length in (40, 400, 5000):
        transcript = Transcript((Turn(Author.PATIENT, texts[:length], datetime.now(UTC)),))
        prompt = Prompt("classify/system", "", "", {"conversation": transcript.rendered(), "phase": ""}, "0" * 12)
        times = [asyncio.run(once(prompt)) for _ in range(30)]
        yield f"local classifier, {length} letters, CPU", f"median {median(times):.2f} ms, n {len(times)}"


def command() -> Iterator[Figure]:
    """Time the command line's start."""
    times = sorted(_milliseconds(lambda: _run("--help")) for _ in range(7))
    yield "kakari --help", f"median {median(times) / 1000:.2f} s, n {len(times)}"


PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "gate": gate,
    "flow": flow,
    "students": students,
    "command": command,
    "desk": desk_figures,
    "numbers": numbers_figures,
    "console": console_figures,
    "figures": figures_page_figures,
    "shape": shape_figures,
    "speed": speed_figures,
    "cost": cost_figures,
}


def _hostile(texts: list[str]) -> list[str]:
    """Return texts made to be slow: repeated beginnings of rules, combining marks, shuffled trigger words."""
    draw = random.Random(7)
    shuffled = "".join(draw.sample(texts, len(texts)))
    repeated = ["胸が" * 2500, "ない" * 2500, "が" + "\u3099" * 4999, "a" * 5000, "😭" * 5000, "む ね が " * 1000]
    return [shuffled[:5000], shuffled[-5000:], "、".join(texts[:400])[:5000], *(text[:5000] for text in repeated)]


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "cli", *arguments], check=True, capture_output=True)


def main() -> None:
    """Print the figures of one part, or of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=[*dict.fromkeys((*PARTS, *BLOCKS))], help="all parts when left out")
    parser.add_argument("--keep", action="store_true", help="put what speed or cost measured into docs/ and the README")
    asked = parser.parse_args()
    if asked.keep and asked.part not in (None, *KEPT):
        parser.error(f"--keep with {asked.part}; expected speed, cost or all parts, whose tables are whole")
    chosen = {asked.part: PARTS.get(asked.part, lambda: speed_figures([asked.part]))} if asked.part else PARTS
    for part in chosen.values():
        for what, figure in part():
            print(f"{what:<40} {figure}", flush=True)
    if asked.keep:
        for name in [asked.part] if asked.part else KEPT:
            KEPT[name]()


main()
