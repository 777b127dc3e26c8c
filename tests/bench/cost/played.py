"""One column played: Kakari as in production, played patients and a pharmacist, and what its own records say of it."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from tests.bench.cost.answers import is_right
from tests.bench.cost.columns import Column, models_file
from tests.bench.cost.judged import passed
from tests.bench.side_by_side import program, simulated
from tests.bench.ways.steps import built
from tests.circle.player import Player, Wish
from tests.circle.truth import Message, Talk
from tests.faults.processes import Kakari


@dataclass(frozen=True)
class Order:
    """What is the same for all columns."""

    seed: int
    messages: int
    teacher_error: float
    student_error: float
    scale: float = 0.0
    """Of the simulated latency; cost does not depend on it."""

    at_once: int = 12
    """Conversations."""


@dataclass(frozen=True)
class Came:
    """What became of one message."""

    outcome: str
    category: str | None
    phase: str | None
    right: bool | None = None
    """Whether its draft is right by what is true; None where a person answers."""

    passes: bool | None = None
    """Whether its draft clears every bar of the teacher's judge; None where a person answers."""

    @property
    def said(self) -> tuple[str, str | None, str | None]:
        """What is held against another column's."""
        return self.outcome, self.category, self.phase


@dataclass(frozen=True)
class Played:
    """A column's result."""

    column: Column
    figures: Mapping[str, Any]
    """As `kakari figures --json` prints them."""

    provider: Mapping[str, Any]
    """What the provider has counted itself."""

    outcomes_usd: float
    """The cost that each outcome told, summed up."""

    came: Mapping[tuple[str, int], Came]
    """By conversation and number of the message in it."""


class _Witness(Player):
    """The circle's player, who notes what became of each message before the pharmacist decides."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        super().__init__(http, Wish())
        self.came: dict[tuple[str, int], tuple[Message, Mapping[str, Any]]] = {}

    async def _decide(self, talk: Talk, message: Message, came: Mapping[str, Any]) -> None:
        self.came[talk.id, talk.messages.index(message)] = (message, came)
        await super()._decide(talk, message, came)


def play(column: Column, talks: Sequence[Talk], order: Order, told: Callable[[], None]) -> Played:
    """Return what the column's models make of `talks`; `told` is called after each conversation."""
    given = ["--count", order.messages, "--seed", order.seed,
             "--teacher-error", order.teacher_error, "--student-error", order.student_error,
             *(["--caches"] if column.caches else [])]  # fmt: skip
    with simulated(order.scale, "tests.bench.cost.provider", *map(str, given)) as url, TemporaryDirectory() as folder:
        registry = built(url).registry
        file = Path(folder) / "models.toml"
        file.write_text(models_file(column, {node: registry.fingerprint_of(node) for node in column.students}))
        with program(url, {"KAKARI_MODELS_FILE": str(file)}) as found:
            beside = _command(found, url, file)
            if column.command:
                beside.run(*column.command)
            provider, player = asyncio.run(_played(talks, order, told, url, found))
            figures = json.loads(beside.run("figures", "--json"))
            passes = asyncio.run(passed(found["BENCH_DATABASE"], url))
    came = {key: _came(message, said, passes) for key, (message, said) in player.came.items()}
    return Played(column, figures, provider, player.cost_usd, came)


def _command(found: Mapping[str, str], provider: str, models: Path) -> Kakari:
    """Return who runs commands beside the server that is there."""
    given = {"DATABASE_URL": found["BENCH_DATABASE"], "OPENAI_BASE_URL": provider, "OPENAI_API_KEY": "sk-bench",
             "KAKARI_MODELS_FILE": str(models)}  # fmt: skip
    return Kakari(Path(found["BENCH_HOME"]), given)


async def _played(
    talks: Sequence[Talk], order: Order, told: Callable[[], None], url: str, found: Mapping[str, str]
) -> tuple[dict[str, Any], "_Witness"]:
    async with httpx2.AsyncClient(
        base_url=found["BENCH_URL"], headers={"Authorization": f"Bearer {found['BENCH_KEY']}"}, timeout=90
    ) as http:
        player = _Witness(http)
        await player.play(talks, order.at_once, told)
        return dict((await http.get(f"{url}/told")).json()), player


def _came(message: Message, said: Mapping[str, Any], passes: Mapping[str, bool]) -> Came:
    right = is_right(message, said["reply"]) if said.get("reply") else None
    suggestion = said.get("suggestion_id")
    return Came(str(said.get("outcome", "none")), said.get("category"), said.get("phase"), right,
                passes[str(suggestion)] if suggestion else None)  # fmt: skip
