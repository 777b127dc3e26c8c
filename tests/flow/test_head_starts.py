"""What begins early changes when a call is made and never what is decided; what nobody needs is ended."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.adapters import Adapters
from graph.head_start import FIRST_FIELDS
from graph.run import ReplyFlow
from graph.state import Request, RunContext
from nodes.classify import Safety
from pharmacy.domain.errors import FlowError, ModelUnavailable
from pharmacy.domain.model import Answer, ChatModel, Early, ModelCall, Prompt
from pharmacy.domain.outcome import Outcome, OutcomeKind
from pharmacy.domain.profile import Profile
from tests.flow.setting import (
    ANOTHER,
    BLOCKED,
    EMERGENCY,
    FLOW,
    GOOD,
    QUESTION,
    SHELF,
    THIRD,
    letting_out,
    parts,
    request,
)

USAGE, ORDER = "generate_product_usage", "generate_order_delivery"


@dataclass
class World:
    """What every model answers, whenever and in whatever order it is asked."""

    classify: Mapping[str, str] | FlowError
    phase: str | FlowError = "intake"
    drafts: tuple[str | FlowError, ...] = (GOOD, ANOTHER, THIRD)
    marks: tuple[int | FlowError, ...] = (5, 5, 5)
    told_before: str | None = None
    """A category that the first try of `classify` told before it broke off."""

    waits: tuple[int, ...] = (0, 0, 0, 0)
    """Turns of the loop that a call takes: classify, switch_phase, generators, judge."""


class WorldModels:
    """The models of one run in a `World`."""

    fallback_used = False
    calls: tuple[ModelCall, ...] = ()

    def __init__(self, world: World) -> None:
        self.world = world
        self.log: list[tuple[str, ...]] = []
        """What began and what ended, and how, in order."""

    def model(self, node: str, drafts_written: int = 0, early: Early | None = None) -> ChatModel:
        return _WorldModel(self, node, drafts_written, early)


@dataclass
class _WorldModel:
    models: WorldModels
    node: str
    drafts_written: int
    early: Early | None

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        log, name = self.models.log, self.node
        if name == "judge":
            name = f"judge {self._number(prompt)}"
        log.append((name, "begins"))
        try:
            found = await self._answer(prompt)
        except asyncio.CancelledError:
            log.append((name, "given up"))
            raise
        except FlowError:
            log.append((name, "fails"))
            raise
        log.append((name, "answers"))
        return schema.model_validate(found)

    async def _answer(self, prompt: Prompt) -> Mapping[str, Any]:
        world = self.models.world
        kind = {"classify": 0, "switch_phase": 1, "judge": 3}.get(self.node, 2)
        if self.node == "classify" and world.told_before and self.early:
            self.early.tell({"safety": Safety.CLEAR, "category": world.told_before})
        for _ in range(world.waits[kind]):
            await asyncio.sleep(0)
        if self.node == "classify":
            return self._told(world.classify, ("safety", "category"), {"reason": "r"})
        if self.node == "switch_phase":
            given = world.phase if isinstance(world.phase, FlowError) else {"phase": world.phase}
            return self._told(given, ("phase",), {"reason": "r"})
        if self.node == "judge":
            mark = world.marks[self._number(prompt)]
            if isinstance(mark, FlowError):
                raise mark
            return {name: {"reason": "r", "mark": mark} for name in FLOW.criteria}
        draft = world.drafts[self.drafts_written]
        if isinstance(draft, FlowError):
            raise draft
        return {"missing_facts": [], "reply": draft}

    def _number(self, prompt: Prompt) -> int:
        """Return which draft the judge is asked of."""
        drafts = self.models.world.drafts
        return next(number for number, text in enumerate(drafts) if isinstance(text, str) and text in prompt.user)

    def _told(self, given: Mapping[str, str] | FlowError, fields: tuple[str, ...], rest: Mapping[str, str]) -> Any:
        if isinstance(given, FlowError):
            raise given
        if self.early:
            # As they are told: read into their types.
            self.early.tell({name: Safety(given[name]) if name == "safety" else given[name] for name in fields})
        return {**given, **rest}


async def run(
    world: World, profile: Profile | None, asked: Request | None = None, guess: Sequence[str] = (), phase: str = ""
) -> tuple[Outcome, WorldModels]:
    """Return what the flow decides under `profile`; without one it goes step by step."""

    def guessed(_: str, now: str) -> tuple[tuple[str, ...], str]:
        return (*guess,), phase or now

    models = WorldModels(world)
    flow = ReplyFlow(replace(parts(), guess=guessed))
    context = RunContext(models, SHELF, letting_out(()), profile or Profile.THRIFTY)
    asked = asked or request(QUESTION)
    if profile is None:
        state = await flow.graph.ainvoke({"request": asked}, context=context)
        return replace(state["outcome"], drafts=state.get("drafts", ()), steps=state["steps"]), models
    return await flow.run(asked, context), models


def decided(outcome: Outcome) -> tuple[Any, ...]:
    reason = outcome.reason and (outcome.reason.code, outcome.reason.detail)
    drafts = [(draft.text, draft.judgement) for draft in outcome.drafts]
    return (outcome.kind, outcome.category, outcome.phase, outcome.reply, reason, drafts, outcome.held_for,
            sorted((step.node, step.says) for step in outcome.steps))  # fmt: skip


def down() -> FlowError:
    return ModelUnavailable("m: down")


CATEGORIES = st.sampled_from([*FLOW.categories])
WORLDS = st.builds(
    World,
    classify=st.builds(
        lambda safety, category: {"safety": safety, "category": category},
        st.sampled_from(["clear", "clear", "clear", "human", "emergency"]), CATEGORIES,
    ) | st.builds(down),
    phase=st.sampled_from([*FLOW.phases_after("intake")]) | st.builds(down),
    drafts=st.tuples(*[st.sampled_from(texts) | st.builds(down) for texts in ([GOOD, BLOCKED], [ANOTHER], [THIRD])]),
    marks=st.tuples(*[st.sampled_from([1, 5]) | st.builds(down) for _ in range(3)]),
    told_before=st.none() | CATEGORIES,
    waits=st.tuples(*[st.integers(0, 12) for _ in range(4)]),
)  # fmt: skip


@given(
    WORLDS, st.sampled_from(Profile), st.lists(CATEGORIES | st.just("gone"), max_size=2, unique=True),
    st.sampled_from([*FLOW.phases, "gone"]), st.sampled_from([QUESTION, EMERGENCY]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_every_profile_decides_what_the_flow_decides_step_by_step(
    world: World, profile: Profile, guess: list[str], phase: str, text: str
) -> None:
    async def both() -> None:
        begun = asyncio.all_tasks()
        one_by_one, _ = await run(world, None, request(text))
        early, models = await run(world, profile, request(text), guess, phase)

        assert decided(early) == decided(one_by_one)
        assert asyncio.all_tasks() == begun
        if text == EMERGENCY:
            assert models.log == []

    asyncio.run(both())


CLEAR = {"safety": "clear", "category": "order_delivery"}


async def test_the_generator_begins_before_the_classifier_has_ended() -> None:
    _, models = await run(World(CLEAR, told_before="order_delivery", waits=(9, 0, 0, 0)), Profile.THRIFTY)

    assert models.log.index((ORDER, "begins")) < models.log.index(("classify", "answers"))
    assert models.log.count((ORDER, "begins")) == 1


async def test_thrifty_asks_nothing_that_step_by_step_would_not_ask() -> None:
    _, one_by_one = await run(World(CLEAR, marks=(1, 5, 5)), None)
    _, early = await run(World(CLEAR, marks=(1, 5, 5)), Profile.THRIFTY, guess=["product_usage"])

    assert sorted(early.log) == sorted(one_by_one.log)


async def test_a_wrong_guess_is_given_up_as_soon_as_the_category_is_known() -> None:
    _, models = await run(World(CLEAR, waits=(3, 3, 9, 0)), Profile.QUICK, guess=["product_usage"])

    assert models.log.index((USAGE, "begins")) < models.log.index(("classify", "answers"))
    assert models.log.index((USAGE, "given up")) < models.log.index((ORDER, "answers"))


async def test_of_two_guesses_the_wrong_one_is_given_up_and_the_right_one_goes_on() -> None:
    outcome, models = await run(
        World(CLEAR, waits=(3, 3, 9, 0)), Profile.QUICK, guess=["product_usage", "order_delivery"]
    )

    assert outcome.reply == GOOD
    begun = [name for name, what in models.log if what == "begins" and name.startswith("generate_")]
    assert begun == [USAGE, ORDER]
    assert models.log.index((USAGE, "given up")) < models.log.index((ORDER, "answers"))


async def test_a_guessed_phase_is_what_the_draft_begins_in() -> None:
    phase = FLOW.phases_after("intake")[1]
    outcome, models = await run(
        World(CLEAR, phase=phase, waits=(9, 9, 3, 0)), Profile.QUICK, guess=["order_delivery"], phase=phase
    )

    assert (outcome.reply, outcome.phase) == (GOOD, phase)
    assert models.log.count((ORDER, "begins")) == 1


async def test_a_right_guess_is_the_first_draft() -> None:
    outcome, models = await run(World(CLEAR, waits=(9, 9, 3, 0)), Profile.QUICK, guess=["order_delivery"])

    assert outcome.reply == GOOD
    assert models.log.count((ORDER, "begins")) == 1
    assert models.log.index((ORDER, "answers")) < models.log.index(("classify", "answers"))


async def test_quickest_has_the_second_draft_judged_when_the_first_is_turned_down() -> None:
    outcome, models = await run(World(CLEAR, marks=(1, 5, 5), waits=(0, 0, 3, 9)), Profile.QUICKEST)

    assert (outcome.kind, outcome.reply) == (OutcomeKind.SUGGESTION, ANOTHER)
    assert models.log.count((ORDER, "begins")) >= 2
    for judged in ("judge 0", "judge 1"):
        assert models.log.count((judged, "begins")) == models.log.count((judged, "answers")) == 1
    # The second draft is on its way before anybody has judged the first.
    second = [place for place, one in enumerate(models.log) if one == (ORDER, "begins")][1]
    assert second < models.log.index(("judge 0", "answers"))


async def test_a_second_draft_that_nobody_needs_is_given_up() -> None:
    outcome, models = await run(World(CLEAR, waits=(0, 0, 5, 1)), Profile.QUICKEST)

    assert outcome.reply == GOOD
    begun = [name for name, what in models.log if what == "begins"]
    ended = [name for name, what in models.log if what in ("answers", "given up")]
    assert sorted(begun) == sorted(ended)
    assert begun.count(ORDER) > 1


def test_a_run_that_is_stopped_ends_what_it_began() -> None:
    async def stopped() -> None:
        world = World(CLEAR, waits=(10**6, 10**6, 10**6, 0))
        begun = asyncio.all_tasks()
        running = asyncio.create_task(run(world, Profile.QUICKEST, guess=["order_delivery"]))
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks() - begun) > 1

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        assert asyncio.all_tasks() == begun

    asyncio.run(stopped())  # a loop of its own, where no other test's tasks begin and end


def test_what_is_told_early_stands_first_in_its_schema() -> None:
    adapters = Adapters(parts())
    schemas = [("classify", adapters.classification), *(("switch_phase", one) for one in adapters.phases.values())]
    for node, schema in schemas:
        assert (*schema.model_fields,)[: len(FIRST_FIELDS[node])] == FIRST_FIELDS[node]
