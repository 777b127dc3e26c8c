"""Each call is counted in full before it is made and put right after it, whatever became of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from pharmacy.domain.budget import Reserved, Spend
from pharmacy.domain.errors import BudgetReached
from pharmacy.models.tokens import estimate_tokens
from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.openai_server.faults import Fault
from tests.fakes.scripted_model import ScriptedModel
from tests.unit.models.setting import ANSWER, PROMPT, Label, RegistryOn

DAY = datetime(2026, 11, 21, 15, tzinfo=UTC)
MANY = 10**9


@dataclass
class Wallet:
    """A purse in memory."""

    tokens: int = MANY
    """Where it ends."""

    saved: bool = False
    """Whether calls that have a cheaper model are refused."""

    spent: Spend = field(default_factory=Spend)
    reserved: list[Spend] = field(default_factory=list)
    corrected: list[Spend] = field(default_factory=list)

    async def reserve(self, most: Spend, *, saves: bool = False) -> Reserved:
        """Count `most`."""
        if self.saved and saves:
            raise BudgetReached("nearly used up")
        if self.spent.tokens >= self.tokens:
            raise BudgetReached("used up")
        self.reserved.append(most)
        self.spent = self.spent.minus(Spend().minus(most))
        return Reserved(DAY, most)

    async def correct(self, reserved: Reserved, spent: Spend) -> None:
        """Count `spent` in its place."""
        self.corrected.append(spent)
        self.spent = self.spent.minus(reserved.most.minus(spent))


async def test_a_call_is_counted_in_full_before_and_as_billed_after_it(fake: OpenAIFake, registry: RegistryOn) -> None:
    wallet = Wallet()
    async with registry() as models:
        run = models.for_run(10, 12, wallet)
        await run.model("classify").answer(PROMPT, Label)

    (call,) = run.calls
    assert not call.tokens_estimated
    assert call.cost_usd is not None
    assert wallet.corrected == [Spend(call.prompt_tokens + call.completion_tokens, call.cost_usd)]
    assert wallet.spent.tokens == wallet.corrected[0].tokens
    assert wallet.spent.cost_usd == pytest.approx(call.cost_usd)
    assert wallet.reserved[0].tokens > wallet.corrected[0].tokens
    assert wallet.reserved[0].cost_usd > wallet.corrected[0].cost_usd


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.no_usage(), id="missing"),
        pytest.param(faults.usage_of(-5, -5), id="negative"),
        pytest.param(faults.usage_of(MANY, MANY), id="huge"),
        pytest.param(faults.usage_of("many", None), id="no-numbers"),
        pytest.param(faults.usage_of(0, 0), id="nothing"),
    ],
)
async def test_usage_that_cannot_be_true_counts_by_our_own_estimate(
    fake: OpenAIFake, registry: RegistryOn, fault: Fault
) -> None:
    fake.script.fail(fault)
    wallet = Wallet()
    async with registry() as models:
        run = models.for_run(10, 12, wallet)
        await run.model("classify").answer(PROMPT, Label)

    (call,) = run.calls
    least = estimate_tokens(PROMPT.system + PROMPT.user) + estimate_tokens(call.output or "")
    assert call.tokens_estimated
    assert least <= wallet.spent.tokens <= wallet.reserved[0].tokens
    assert 0 < wallet.spent.cost_usd <= wallet.reserved[0].cost_usd


async def test_every_try_is_asked_for_by_itself(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.server_error(500))
    wallet = Wallet()
    async with registry() as models:
        run = models.for_run(10, 12, wallet)
        await run.model("classify").answer(PROMPT, Label)

    assert len(wallet.reserved) == len(wallet.corrected) == len(run.calls) == 2


async def test_a_used_up_purse_lets_no_call_out(fake: OpenAIFake, registry: RegistryOn) -> None:
    wallet = Wallet(tokens=1)
    async with registry() as models:
        run = models.for_run(10, 12, wallet)
        await run.model("classify").answer(PROMPT, Label)
        with pytest.raises(BudgetReached):
            await run.model("classify").answer(PROMPT, Label)

    assert len(fake.log.chats()) == 1
    assert len(run.calls) == 1


async def test_a_cancelled_call_is_counted_for_what_it_may_have_cost(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.script.fail(faults.hang(), times=None)
    wallet = Wallet()
    async with registry() as models:
        asking = asyncio.create_task(models.for_run(60, 12, wallet).model("classify").answer(PROMPT, Label))
        await asyncio.to_thread(fake.log.asked, 1, 4.0)
        asking.cancel()
        await asyncio.wait({asking})

    assert len(wallet.corrected) == 1
    assert 0 < wallet.spent.tokens < wallet.reserved[0].tokens


async def test_a_model_without_a_known_price_counts_at_the_dearest_and_is_marked_so(
    fake: OpenAIFake, registry: RegistryOn
) -> None:
    fake.world.models.add("unheard-of")
    wallet = Wallet()
    async with registry(teacher="openai:unheard-of") as models:
        run = models.for_run(10, 12, wallet)
        await run.model("classify").answer(PROMPT, Label)

    (call,) = run.calls
    dearest_usd = (call.prompt_tokens * 3.75 + call.completion_tokens * 15.0) / 1_000_000
    assert call.cost_usd is None
    assert wallet.corrected[0].cost_usd == wallet.corrected[0].guessed_usd == pytest.approx(dearest_usd)
    assert wallet.spent.guessed_usd == pytest.approx(dearest_usd)


async def test_a_local_model_asks_for_nothing(registry: RegistryOn) -> None:
    wallet = Wallet(tokens=0)
    async with registry(local_model=lambda _: ScriptedModel(ANSWER)) as models:
        run = models.for_run(10, 12, wallet)

        assert await run.named("classify", "local:classify").answer(PROMPT, Label) == ANSWER

    assert wallet.reserved == []


@pytest.mark.parametrize(
    ("cheaper", "served"),
    [
        pytest.param("openai:gpt-4o-mini", "gpt-4o-mini-2024-07-18", id="costs-less"),
        pytest.param("openai:gpt-4o-2024-11-20", "gpt-4o-2024-08-06", id="costs-as-much"),
    ],
)
async def test_once_money_is_short_a_model_that_costs_less_is_asked_and_counts_as_fallback(
    registry: RegistryOn, cheaper: str, served: str
) -> None:
    wallet = Wallet(saved=True)
    async with registry(cheaper=cheaper) as models:
        run = models.for_run(10, 12, wallet)
        await run.model("classify").answer(PROMPT, Label)

    assert dict(run.served) == {"classify": served}
    assert run.fallback_used == (served != "gpt-4o-2024-08-06")
    assert len(run.calls) == len(wallet.corrected) == 1


async def test_once_the_cheaper_model_is_refused_too_it_is_a_persons_turn(
    fake: OpenAIFake, registry: RegistryOn
) -> None:
    async with registry(cheaper="openai:gpt-4o-mini") as models:
        with pytest.raises(BudgetReached, match="used up"):
            await models.for_run(10, 12, Wallet(tokens=0, saved=True)).model("classify").answer(PROMPT, Label)

    assert fake.log.chats() == []
