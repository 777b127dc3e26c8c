"""A student answers beside past replies through the Batch API: found again after a stop, paid once, half the price."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distillation.shadow_batches import Scoring, score
from pharmacy.domain.serving import Serving
from pharmacy.models.batch import Batches, batches_at
from pharmacy.settings import Settings, endpoint_variables
from tests.api.answers import by_words
from tests.api.commands import kakari
from tests.api.played import asked
from tests.api.shop import Shop, running
from tests.api.students import decide, student_of, with_students
from tests.fakes.openai_server import OpenAIFake, faults

STUDENT = student_of("classify")
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def settings(own_settings: Settings, fake: OpenAIFake, tmp_path: Path) -> Settings:
    """Return settings whose workers leave shadows to batches, with a student of `classify`."""
    fake.script.rule = by_words
    return with_students(own_settings, fake, tmp_path, "classify").model_copy(update={"shadow": "batch"})


async def test_cut_off_in_the_middle_it_finds_its_batch_again_and_asks_anew_only_what_failed(
    settings: Settings, fake: OpenAIFake
) -> None:
    async with running(settings) as shop:
        await decide(shop, "classify", Serving("teacher", shadow_share=1.0, student=f"openai:{STUDENT}"))
        for _ in range(3):
            await asked(shop, "体調の相談です")
        scoring = await _scoring(shop)
        fake.world.batches.step_seconds = 0.3
        fake.script.fail(faults.rate_limited("1"), model=STUDENT)
        cut = asyncio.create_task(score(scoring, "classify", TOMORROW))
        await shop.until(lambda: _has_batch(fake))
        cut.cancel()
        await asyncio.gather(cut, return_exceptions=True)

        first = await score(scoring, "classify", TOMORROW)
        between = len(fake.world.batches.kept)
        second = await score(scoring, "classify", TOMORROW)
        third = await kakari(shop, "shadow", "classify")
        rows = await shop.rows("SELECT * FROM shadow_answers")

    assert cut.cancelled()
    assert (first.kept, first.left, between) == (2, {"model_unavailable": 1}, 1)
    assert (second.kept, second.left, len(fake.world.batches.kept)) == (1, {}, 2)
    assert (third.exit_code, third.stdout) == (0, "classify: 0 answers kept, for 0.0000 USD\n")
    assert [row.scores["exact_agreement"] for row in rows] == [1.0] * 3
    assert all(row.model_served for row in rows)
    for row in rows:
        fresh = row.prompt_tokens - row.cached_tokens
        whole = (fresh * 0.3 + row.cached_tokens * 0.15 + row.completion_tokens * 1.2) / 1e6
        assert row.cost_usd == pytest.approx(whole / 2)


async def _scoring(shop: Shop) -> Scoring:
    program = shop.program
    tables, environ = program.assembled.registry.tables, endpoint_variables(program.settings)

    def at(provider: str) -> Batches:
        return replace(batches_at(provider, tables, environ), poll_seconds=0.05)

    pharmacy_id = program.settings.pharmacy_id
    catalogue = await program.catalogue(pharmacy_id)
    return Scoring(program.database, pharmacy_id, program.assembled, catalogue, at, program.assembled.models_beside)


async def _has_batch(fake: OpenAIFake) -> bool:
    return bool(fake.world.batches.kept)
