"""What a call costs, and what is not known."""

from pathlib import Path

import pytest

from pharmacy.models.model_name import ModelRef, maker_of, undated
from pharmacy.models.prices import Prices
from pharmacy.models.tables import Price
from pharmacy.models.usage import Usage
from tests.fakes.openai_server import OpenAIFake, faults
from tests.unit.models.setting import PROMPT, Label, RegistryOn, table_text, tables_of

WRITTEN = Usage(1_000_000, 0, 0, cache_write_tokens=1_000_000)


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        pytest.param("openai:gpt-4o-2024-08-06", Usage(1_000_000, 0, 0), 2.50, id="input"),
        pytest.param("openai:gpt-4o-2024-08-06", Usage(0, 0, 1_000_000), 10.00, id="output"),
        pytest.param("openai:gpt-4o-2024-08-06", Usage(1_000_000, 1_000_000, 0), 1.25, id="cached-input"),
        pytest.param("openai:gpt-4o-2024-08-06", Usage(2048, 1024, 100), (1024 * 2.5 + 1024 * 1.25 + 1000) / 1e6,
                     id="partly-cached"),
        pytest.param("openai:ft:gpt-4o-mini-2024-07-18:org::id", Usage(1_000_000, 0, 1_000_000), 1.50, id="fine-tuned"),
        pytest.param("openai:ft:gpt-4o-mini-2024-07-18:org::id:ckpt-step-80", Usage(1_000_000, 0, 0), 0.30,
                     id="a-checkpoint-of-a-fine-tuned-one"),
        pytest.param("openai:gpt-6-luna", WRITTEN, 0.125, id="cache-write"),
        pytest.param("openai:gpt-4o", WRITTEN, 2.50, id="no-price-for-cache-writes"),
        pytest.param("local:classify", Usage(10, 0, 10), 0.0, id="local"),
        pytest.param("openai:gpt-unheard-of", Usage(), 0.0, id="nothing-used"),
    ],
)  # fmt: skip
def test_a_call_costs_what_its_tokens_cost(model: str, usage: Usage, dollars: float) -> None:
    assert Prices().cost_usd(ModelRef.read(model), None, usage) == pytest.approx(dollars)


@pytest.mark.parametrize(
    "model", ["openai:gpt-unheard-of", "openai:gpt-4o-realtime", "vllm:gpt-4o", "openai:ft:qwen:a"]
)
def test_an_unknown_price_is_unknown(model: str) -> None:
    assert Prices().cost_usd(ModelRef.read(model), None, Usage(10, 0, 10)) is None


def test_a_price_of_ones_own_goes_before_the_shipped_one(tmp_path: Path) -> None:
    own = '[prices]\n"openai:gpt-4o" = { input = 1, cached = 0, output = 0 }'
    tables = tables_of(tmp_path, table_text("https://api.openai.com/v1", more=own))

    assert Prices(tables.prices).cost_usd(ModelRef.read("openai:gpt-4o"), None, Usage(1_000_000)) == 1.0


def test_the_model_that_served_sets_the_price() -> None:
    asked = ModelRef.read("openai:gpt-4o")

    assert Prices().cost_usd(asked, "gpt-4o-mini-2024-07-18", Usage(1_000_000)) == 0.15
    assert Prices().cost_usd(asked, "my-deployment", Usage(1_000_000)) == 2.50


def test_a_free_model_of_ones_own_costs_nothing() -> None:
    prices = Prices({"vllm:qwen3": Price(input=0, cached=0, output=0)})

    assert prices.cost_usd(ModelRef.read("vllm:qwen3"), "qwen3", Usage(10, 0, 10)) == 0.0


async def test_the_second_long_prompt_is_cheaper_by_its_cached_tokens(fake: OpenAIFake, registry: RegistryOn) -> None:
    long = PROMPT.__class__(PROMPT.file, "あなたは漢方薬局の受付です。" * 150, "質問", {}, "")

    async with registry() as models:
        run = models.for_run(10, 12)
        await run.model("classify").answer(long, Label)
        await run.model("classify").answer(long, Label)

    first, second = run.calls
    assert first.cached_tokens == 0
    assert second.cached_tokens >= 1024
    assert second.cached_tokens % 128 == 0
    assert first.cost_usd is not None
    assert first.cost_usd - (second.cost_usd or 0) == pytest.approx(second.cached_tokens * 1.25 / 1e6)
    assert run.cost_usd == pytest.approx(first.cost_usd + (second.cost_usd or 0))


async def test_one_call_of_unknown_price_makes_the_messages_cost_unknown(
    fake: OpenAIFake, registry: RegistryOn
) -> None:
    fake.world.models.add("unheard-of")

    async with registry() as models:
        run = models.for_run(10, 12)
        await run.model("classify").answer(PROMPT, Label)
        assert run.cost_usd
        await run.named("classify", "openai:unheard-of").answer(PROMPT, Label)

    assert run.cost_usd is None


async def test_a_refused_call_of_unknown_price_costs_nothing(fake: OpenAIFake, registry: RegistryOn) -> None:
    fake.world.models.add("unheard-of")
    fake.script.fail(faults.rate_limited("3600"))

    async with registry(teacher="openai:unheard-of") as models:
        run = models.for_run(10, 12)
        with pytest.raises(Exception, match="429"):
            await run.model("classify").answer(PROMPT, Label)

    assert run.cost_usd == 0


@pytest.mark.parametrize(
    ("name", "plain", "maker"),
    [
        ("gpt-4o-2024-08-06", "gpt-4o", "gpt"),
        ("ft:gpt-4.1-mini-2025-04-14:org::id", "ft:gpt-4.1-mini", "gpt"),
        ("o3-mini-2025-01-31", "o3-mini", "gpt"),
        ("Qwen/Qwen3-32B", "Qwen/Qwen3-32B", "qwen"),
        ("7b-model", "7b-model", "7b-model"),
    ],
)
def test_a_name_tells_its_base_and_its_kin(name: str, plain: str, maker: str) -> None:
    assert (undated(name), maker_of(name)) == (plain, maker)
