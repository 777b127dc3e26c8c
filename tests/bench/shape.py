"""How long a message takes and what it costs under each profile: the models' time alone, on a clock set forward.

Messages are the local classifier's held-out examples with the category that a pharmacist gave them, so that it guesses
as well as it does; a fifth of the drafts is turned down. Nothing is waited for, and no machine is fast or slow.
"""

import asyncio
import random
import selectors
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from evaluation.student_examples import Example, read_examples
from graph.assemble import Files, assemble
from graph.run import ReplyFlow
from graph.state import Request, RunContext
from nodes.classify import Safety
from nodes.screen import Standing
from pharmacy.domain.conversation import Author, Transcript, Turn
from pharmacy.domain.model import Answer, ChatModel, Early, ModelCall, Prompt
from pharmacy.domain.profile import Profile
from pharmacy.settings import Settings
from tests.bench.simulated import PROMPT_TOKENS, REJECTED_OF, TOKENS
from tests.bench.simulator import FIRST_SECONDS, TOKEN_SECONDS
from tests.bench.ways.steps import PATIENT, SHELF

IN_USD, OUT_USD = 2.5e-6, 10e-6
NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
TOLD_AT: Mapping[str, int] = {"Classification": 14, "PhaseSwitch": 8}
"""Tokens until what decides has been told: `{"safety":"clear","category":"product_usage"` and `{"phase":"intake"`."""


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: where the loop would sleep, its clock is set forward."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if not found and timeout:
            self.now += timeout
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


@dataclass
class Provider:
    """The models of one message: what they say, when, and for how much."""

    category: str
    cleared: Sequence[bool]
    """Of each draft, by its number, whether the judge lets it pass."""

    usd: float = 0.0
    timeline: list[tuple[float, str]] = field(default_factory=list)
    fallback_used = False
    calls: tuple[ModelCall, ...] = ()

    def model(self, node: str, drafts_written: int = 0, early: Early | None = None) -> ChatModel:
        """Return what answers for `node`."""
        return _Model(self, node, drafts_written, early)

    @property
    def drafted(self) -> bool:
        """Whether a draft was judged."""
        return any(what == "judge answers" for _, what in self.timeline)

    def note(self, what: str) -> None:
        """Write down what happens now."""
        self.timeline.append((asyncio.get_running_loop().time(), what))


@dataclass
class _Model:
    provider: Provider
    node: str
    drafts_written: int
    early: Early | None

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        provider, tokens, loop = self.provider, TOKENS[schema.__name__], asyncio.get_running_loop()
        began, seconds = loop.time(), FIRST_SECONDS + TOKEN_SECONDS * tokens
        provider.note(f"{self.node} begins")
        written: float = tokens
        ended = "answers"
        try:
            if self.early and (told := TOLD_AT.get(schema.__name__)):
                await asyncio.sleep(FIRST_SECONDS + TOKEN_SECONDS * told)
                self.early.tell(self._told())
            await asyncio.sleep(began + seconds - loop.time())
        except asyncio.CancelledError:
            written, ended = max((loop.time() - began - FIRST_SECONDS) / TOKEN_SECONDS, 0), "is given up"
            raise
        finally:
            provider.note(f"{self.node} {ended}")
            provider.usd += PROMPT_TOKENS * IN_USD + written * OUT_USD
        return schema.model_validate(self._content(prompt, schema))

    def _told(self) -> dict[str, Any]:
        if self.node == "classify":
            return {"safety": Safety.CLEAR, "category": self.provider.category}
        return {"phase": "intake"}

    def _content(self, prompt: Prompt, schema: type[Answer]) -> dict[str, Any]:
        if self.node in TOLD_AT_NODES:
            return {**{name: str(value) for name, value in self._told().items()}, "reason": "r"}
        if self.node != "judge":
            return {
                "missing_facts": [],
                "reply": f"お問い合わせありがとうございます。ご案内は第{self.drafts_written}案です。",
            }
        number = next(n for n in range(len(self.provider.cleared)) if f"第{n}案" in prompt.user)
        mark = 5 if self.provider.cleared[number] else 2
        return {name: {"reason": "r", "mark": mark} for name in schema.model_fields}


TOLD_AT_NODES = ("classify", "switch_phase")


async def one(replies: ReplyFlow, text: str, provider: Provider, profile: Profile | None) -> float:
    """Return the seconds that a message takes; without a profile every step waits for the one before it."""
    begins = asyncio.get_running_loop().time()
    turn = Turn(Author.PATIENT, text, NOW)
    asked = Request(Transcript((turn,)), Standing(NOW, PATIENT, first_contact=True), "intake")
    context = RunContext(provider, SHELF, profile=profile or Profile.THRIFTY)
    if profile is None:
        await replies.graph.ainvoke({"request": asked}, context=context)
        # `switch_phase` waits for `classify` as the other steps do.
        return asyncio.get_running_loop().time() - begins + FIRST_SECONDS + TOKEN_SECONDS * TOKENS["PhaseSwitch"]
    await replies.run(asked, context)
    return asyncio.get_running_loop().time() - begins


def shape_figures() -> Iterator[tuple[str, str]]:
    """Give p50, p95 and cost under each profile, as shares of the flow step by step; and one message's timeline.

    Times are of messages that come to a draft, cost is of all that any model is asked about.
    """
    settings = Settings()
    built = assemble(Files(settings.flow_file, settings.models_file, settings.prompts_folder), "local", {})
    draw = random.Random(7)
    worlds = [
        (each, [draw.randrange(REJECTED_OF) > 0 for _ in range(3)]) for each in read_examples("classify", "held_out")
    ]
    base: list[float] = []
    for profile in (None, *Profile):
        played = [_played(built.replies, each, cleared, profile) for each, cleared in worlds]
        times = [seconds for seconds, provider in played if provider.drafted]
        found = [float(np.quantile(times, 0.5)), float(np.quantile(times, 0.95)),
                 float(np.mean([provider.usd for _, provider in played if provider.timeline]))]  # fmt: skip
        base = base or found
        p50, p95, cost = (value / first for value, first in zip(found, base, strict=True))
        name = f"shape: {profile or 'step by step'}"
        yield (
            name,
            f"p50 {p50:.3f} ({found[0]:.2f} s), p95 {p95:.3f} ({found[1]:.2f} s), cost {cost:.3f}, n {len(times)}",
        )
        timeline = next(provider.timeline for _, provider in played if provider.drafted)
        yield f"{name}, a message", "; ".join(f"{at:.2f} {what}" for at, what in timeline)


def _played(
    replies: ReplyFlow, each: Example, cleared: Sequence[bool], profile: Profile | None
) -> tuple[float, Provider]:
    provider = Provider(each.answer, cleared)
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(one(replies, each.text, provider, profile)), provider
