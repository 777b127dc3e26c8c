"""A run as a whole: side by side, pure, and accounted for."""

import asyncio
from dataclasses import replace

from pharmacy.domain.model import Answer, Prompt
from pharmacy.domain.outcome import Outcome, OutcomeKind
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.scripted_run_models import Scripted
from tests.flow.setting import ANOTHER, GOOD, QUESTION, classified, marked, models, request, run


class MeetingModel:
    """Answers only once the other one has been asked too."""

    def __init__(self, answer: Scripted, here: asyncio.Event, other: asyncio.Event) -> None:
        self._inner, self._here, self._other = ScriptedModel(answer), here, other

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Say that it was asked, and wait for the other."""
        self._here.set()
        await self._other.wait()
        return await self._inner.answer(prompt, schema)


async def test_classify_and_switch_phase_run_side_by_side() -> None:
    one, two = asyncio.Event(), asyncio.Event()
    asked = models(
        drafts=[GOOD],
        marks=[marked()],
        classify=MeetingModel(classified("order_delivery"), one, two),
        switch_phase=MeetingModel({"phase": "intake", "reason": "まだ"}, two, one),
    )

    # One after the other they would wait for ever.
    async with asyncio.timeout(10):
        outcome = await run(request(QUESTION), asked)

    assert outcome.kind is OutcomeKind.SUGGESTION


async def test_the_phase_node_does_not_see_the_category() -> None:
    asked = models(drafts=[GOOD], marks=[marked()])

    await run(request(QUESTION), asked)

    assert set(asked.prompts("switch_phase")[0].blanks) == {"phase", "allowed", "conversation", "phases"}


def timeless(outcome: Outcome) -> Outcome:
    """Return `outcome` without how long its steps took."""
    return replace(outcome, steps=tuple(replace(step, seconds=0.0) for step in outcome.steps))


async def test_running_twice_proposes_the_same() -> None:
    asked = request(QUESTION)

    first, second = [
        await run(asked, models(drafts=[GOOD, ANOTHER], marks=[marked(tone=1), marked()])) for _ in range(2)
    ]

    assert timeless(first) == timeless(second)


async def test_a_hundred_runs_at_once_do_not_meet() -> None:
    texts = [f"{number}番の荷物はいつ届きますか" for number in range(100)]
    asked = [
        models(drafts=[f"{number}番の荷物を確かめています。お待ちください。"], marks=[marked()])
        for number in range(100)
    ]

    outcomes = await asyncio.gather(*(run(request(text), each) for text, each in zip(texts, asked, strict=True)))

    assert [outcome.reply for outcome in outcomes] == [
        f"{number}番の荷物を確かめています。お待ちください。" for number in range(100)
    ]


async def test_the_outcome_accounts_for_trail_models_and_cost() -> None:
    asked = models(drafts=[GOOD], marks=[marked()])

    outcome = await run(request(QUESTION), asked)

    walked = [step.node for step in outcome.steps]
    assert walked[:2] == ["screen", "triage"]
    assert {*walked[2:4]} == {"classify", "switch_phase"}
    assert walked[4:] == ["choose", "generate_order_delivery", "judge", "suggest"]
    assert outcome.models == {
        node: f"scripted:{node}" for node in ("classify", "switch_phase", "generate_order_delivery", "judge")
    }
    assert outcome.cost_usd is not None
    assert round(outcome.cost_usd, 6) == 0.004


class EndlessModel:
    """Never answers; tells when it was asked, and when its call was closed."""

    def __init__(self) -> None:
        self.asked, self.closed = asyncio.Event(), False

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Wait until somebody gives up."""
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.closed = True
        raise AssertionError("it never answers")


async def test_a_run_that_is_stopped_leaves_no_call_open() -> None:
    one, two = EndlessModel(), EndlessModel()
    work = asyncio.create_task(run(request(QUESTION), models(classify=one, switch_phase=two)))
    await asyncio.gather(one.asked.wait(), two.asked.wait())

    work.cancel()
    await asyncio.wait({work}, timeout=1)

    assert work.cancelled()
    assert (one.closed, two.closed) == (True, True)
