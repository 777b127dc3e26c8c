"""Many questions in one batch: asked and read as the live adapter does, found again, and told of in words."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pharmacy.domain.errors import ModelUnavailable, ReplyCut, ReplyRefused, ReplyUnreadable
from pharmacy.models.batch import Asked, Batched, Batches, BatchProgress, BatchRefused, ask_in_batch, batches_at
from pharmacy.models.batch_lines import parts_of
from pharmacy.models.model_name import ModelRef
from pharmacy.models.patience import Patience
from pharmacy.models.tables import ModelTables
from tests.fakes.openai_server import OpenAIFake, faults
from tests.unit.models.setting import ANSWER, GOOD, KEY, PROMPT, Label, RegistryOn, table_text, tables_of

REF = ModelRef.read("openai:gpt-4o-2024-08-06")


@pytest.fixture
def tables(tmp_path: Path, fake: OpenAIFake) -> ModelTables:
    return tables_of(tmp_path, table_text(fake.url, temperature=0.2))


@pytest.fixture
async def batches(fake: OpenAIFake, tables: ModelTables) -> AsyncIterator[Batches]:
    fake.script.rule = lambda _: GOOD
    made = replace(batches_at("openai", tables, KEY), poll_seconds=0.02, patience=Patience(3, 0.01))
    yield made
    await made.aclose()


def questions(count: int) -> list[Asked]:
    return [Asked(f"row-{at}", replace(PROMPT, user=f"{PROMPT.user} {at}"), Label) for at in range(count)]


async def asked(batches: Batches, tables: ModelTables, count: int, **more: Any) -> dict[str, Batched]:
    return dict(await ask_in_batch(batches, REF, tables.nodes["classify"], questions(count), **more))


async def there_is_a_batch(fake: OpenAIFake) -> None:
    async with asyncio.timeout(30):
        while not fake.world.batches.kept:  # noqa: ASYNC110  # it comes to be in another thread
            await asyncio.sleep(0.01)


def created(fake: OpenAIFake) -> list[dict[str, Any]]:
    return list(fake.world.batches.kept.values())


async def test_each_question_has_its_answer_with_usage_and_the_price_of_a_batch(
    fake: OpenAIFake, batches: Batches, tables: ModelTables
) -> None:
    told: list[BatchProgress] = []

    found = await asked(batches, tables, 3, told=told.append)

    assert [*found] == ["row-0", "row-1", "row-2"]
    one = found["row-1"]
    assert (one.tried.answer, one.tried.served, one.tried.failure) == (ANSWER, "gpt-4o-2024-08-06", None)
    usage = one.tried.usage
    assert not usage.estimated
    alone = (
        (usage.prompt_tokens - usage.cached_tokens) * 2.5 + usage.cached_tokens * 1.25 + usage.completion_tokens * 10
    )
    assert one.cost_usd == pytest.approx(alone / 1e6 / 2)
    assert (told[-1].status, told[-1].done, told[-1].of) == ("completed", 3, 3)


async def test_a_batch_asks_and_reads_exactly_as_the_live_adapter(
    fake: OpenAIFake, batches: Batches, tables: ModelTables, registry: RegistryOn
) -> None:
    async with registry(temperature=0.2) as models:
        live = await models.target("classify", str(REF)).ask(questions(1)[0].prompt, Label)

    batched = (await asked(batches, tables, 1))["row-0"].tried

    (line,) = [json.loads(file.content) for file in fake.world.files.kept.values() if file.shown["purpose"] == "batch"]
    (body,) = [entry.body for entry in fake.log.chats()]
    assert line["body"] == {name: value for name, value in body.items() if name not in ("stream",)}
    assert (batched.answer, batched.output, batched.served) == (live.answer, live.output, live.served)
    assert batched.usage.completion_tokens == live.usage.completion_tokens


@pytest.mark.parametrize(("fault", "error"), [
    pytest.param(faults.refusal(), ReplyRefused, id="refusal"),
    pytest.param(faults.finish("length"), ReplyCut, id="cut-off"),
    pytest.param(faults.rate_limited("1"), ModelUnavailable, id="refused-by-the-provider"),
])  # fmt: skip
async def test_a_row_that_failed_is_named_and_the_others_are_answered(
    fake: OpenAIFake, batches: Batches, tables: ModelTables, fault: Any, error: type[Exception]
) -> None:
    fake.script.fail(fault)

    found = await asked(batches, tables, 2)

    failed = [one.tried.failure for one in found.values() if one.tried.failure]
    assert [type(each.error) for each in failed] == [error]
    assert sum(one.tried.answer == ANSWER for one in found.values()) == 1


async def test_an_answer_of_another_form_is_unreadable_and_its_cost_is_known(
    fake: OpenAIFake, batches: Batches, tables: ModelTables
) -> None:
    fake.script.rule = lambda _: {**GOOD, "mark": 4, "more": "x"}

    one = (await asked(batches, tables, 1))["row-0"]

    assert one.tried.failure is not None
    assert isinstance(one.tried.failure.error, ReplyUnreadable)
    assert one.cost_usd is not None
    assert one.cost_usd > 0


async def test_whoever_is_interrupted_finds_the_same_batch_again(
    fake: OpenAIFake, batches: Batches, tables: ModelTables
) -> None:
    fake.world.batches.step_seconds = 0.2
    first = asyncio.create_task(asked(batches, tables, 3))
    await there_is_a_batch(fake)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    fake.world.batches.step_seconds = 0.01

    found = await asked(batches, tables, 3)

    assert len(created(fake)) == 1
    assert all(one.tried.answer == ANSWER for one in found.values())
    assert len(await asked(batches, tables, 2)) == len(created(fake)) == 2


async def test_what_a_batch_had_no_time_for_says_so_and_is_asked_anew(
    fake: OpenAIFake, batches: Batches, tables: ModelTables
) -> None:
    fake.world.batches.expires_after = 1

    found = await asked(batches, tables, 2)

    (failure,) = [one.tried.failure for one in found.values() if one.tried.failure]
    assert "ended as 'expired' (batch_expired)" in str(failure.error)
    assert failure.may_retry
    fake.world.batches.expires_after = None
    again = await asked(batches, tables, 2)
    assert all(one.tried.answer == ANSWER for one in again.values())


async def test_a_cancelled_batch_says_so(fake: OpenAIFake, batches: Batches, tables: ModelTables) -> None:
    fake.world.batches.step_seconds = 0.1
    asking = asyncio.create_task(asked(batches, tables, 4))
    await there_is_a_batch(fake)

    assert await batches.cancel(created(fake)[0]["id"]) == "cancelling"

    found = await asking
    assert "ended as 'cancelled'" in str(next(one.tried.failure for one in found.values() if one.tried.failure).error)
    assert await batches.cancel(created(fake)[0]["id"]) == "cancelled"


async def test_a_batch_that_is_not_taken_names_the_question_at_fault(
    fake: OpenAIFake, batches: Batches, tables: ModelTables
) -> None:
    (part,) = parts_of(REF, tables.nodes["classify"], questions(2))
    broken = replace(part, content=part.content.replace(b'"custom_id": "1"', b'"custom_id": "0"'))

    ended = await batches.ended(await batches.begun(broken), lambda _: None)

    assert ended.status == "failed"
    assert "row-1: duplicate_custom_id; nothing was asked" in str(batches.refused(ended, broken))


async def test_a_key_that_is_refused_is_told_in_words(tables: ModelTables, fake: OpenAIFake) -> None:
    fake.world.key = "sk-other"
    refused = replace(batches_at("openai", tables, KEY), patience=Patience(2, 0.01))
    with pytest.raises(BatchRefused, match="refuses the key"):
        await asked(refused, tables, 1)
    await refused.aclose()


async def test_two_questions_of_one_id_are_refused(batches: Batches, tables: ModelTables) -> None:
    with pytest.raises(ValueError, match="same id"):
        await ask_in_batch(batches, REF, tables.nodes["classify"], questions(1) * 2)


async def test_nothing_of_ours_stays_at_the_provider_for_longer_than_three_days(
    fake: OpenAIFake, batches: Batches, tables: ModelTables
) -> None:
    await asked(batches, tables, 1)

    (file,) = [file.shown for file in fake.world.files.kept.values() if file.shown["purpose"] == "batch"]
    assert file["expires_at"] - file["created_at"] <= 3 * 24 * 3600
    (line,) = [json.loads(kept.content) for kept in fake.world.files.kept.values() if kept.shown["purpose"] == "batch"]
    assert line["custom_id"] == "0"
