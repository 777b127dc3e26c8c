"""A limited model is asked when its turn comes; what cannot wait so long falls back or fails with the wait stated."""

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pharmacy.domain.errors import BudgetReached, ConfigError, ModelLimited
from pharmacy.domain.pace import ModelLimit, Priority, Turn
from pharmacy.settings import Settings
from pharmacy.storage.database import Database, open_database
from pharmacy.storage.model_queue import ModelQueue
from tests.fakes.openai_server import OpenAIFake, faults
from tests.unit.models.setting import PROMPT, Label, RegistryOn, table_text, tables_of
from tests.unit.models.test_daily_purse import Wallet

URL = "https://api.openai.com/v1"


def _limited(**limits: int) -> str:
    said = "\n".join(f"{name} = {most}" for name, most in limits.items())
    return f'[model_limits."openai:gpt-4o"]\n{said}\n'


def test_a_limit_is_read_and_stands_for_a_models_snapshots(tmp_path: Path) -> None:
    tables = tables_of(tmp_path, table_text(URL, _limited(requests_per_minute=500, tokens_per_minute=30_000)))

    assert tables.model_limits == {"openai:gpt-4o": ModelLimit("openai:gpt-4o", 500, 30_000)}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param(_limited(), r"\[model_limits.openai:gpt-4o\] .*limits nothing; expected requests", id="nothing"),
        pytest.param(_limited(requests_per_minute=0), "requests_per_minute\\] 0: .*greater than or equal", id="none"),
        pytest.param(_limited(request_per_minute=9), "request_per_minute\\] 9: Extra", id="a-typo"),
        pytest.param('[model_limits."opnai:gpt-4.1"]\ntokens_per_minute = 9', r"provider is none of", id="provider"),
        pytest.param('[model_limits."local:judge"]\ntokens_per_minute = 9', "no provider who limits it", id="local"),
        pytest.param("[model_limits.judge]\ntokens_per_minute = 9", "'judge' is not of the form", id="a-node"),
    ],
)
def test_a_wrong_limit_is_refused_with_its_line(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        tables_of(tmp_path, table_text(URL, more))

    line = int(str(raised.value).split("models.toml:")[1].split(":")[0])
    assert line >= (tmp_path / "models.toml").read_text().splitlines().index(more.splitlines()[0]) + 1


async def test_processes_that_share_a_limit_keep_to_it_together_and_say_the_wait(
    settings: Settings, database: Database, fake: OpenAIFake, registry: RegistryOn
) -> None:
    other, more = await open_database(settings), _limited(requests_per_minute=2)
    async with registry(more=more) as one, registry(more=more) as two:
        one.queue, two.queue = ModelQueue(database), ModelQueue(other)
        runs = [(one, two)[n % 2].for_run(60, 12, priority=Priority.PATIENT) for n in range(8)]
        ended = await asyncio.gather(
            *(run.model("classify").answer(PROMPT, Label) for run in runs), return_exceptions=True
        )
    await other.close()

    limited = [error for error in ended if isinstance(error, ModelLimited)]
    assert len(fake.log.chats()) == 1
    assert len(limited) == 7
    assert re.match(r"openai:gpt-4o: 2 requests a minute: all taken for [56]\d\.\d s; expected less", str(limited[0]))
    assert [call.waited_seconds > 0 for run in runs for call in run.calls] == [True]


async def test_what_would_wait_too_long_is_asked_of_the_fallback(
    database: Database, fake: OpenAIFake, registry: RegistryOn
) -> None:
    fake.world.models.add("gpt-4.1")
    async with registry(more=_limited(requests_per_minute=1), fallback="openai:gpt-4.1") as models:
        models.queue = ModelQueue(database)
        runs = [models.for_run(5, 12, priority=Priority.PATIENT) for _ in range(2)]
        for run in runs:
            await run.model("classify").answer(PROMPT, Label)

    assert [run.served["classify"] for run in runs] == ["gpt-4o-2024-08-06", "gpt-4.1-2025-04-14"]
    assert runs[1].fallback_used


@dataclass(frozen=True)
class Told(ModelQueue):
    """A queue that says when somebody stands in it."""

    stands: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, limit: ModelLimit, tokens: int, priority: Priority, longest_seconds: float) -> Turn:
        """Take a turn, and tell where it is one to wait for."""
        turn = await super().take(limit, tokens, priority, longest_seconds)
        if turn.wait_seconds:
            self.stands.set()
        return turn


async def test_a_call_that_is_refused_its_budget_or_given_up_in_the_queue_gives_its_turn_back(
    database: Database, fake: OpenAIFake, registry: RegistryOn
) -> None:
    async with registry(more=_limited(tokens_per_minute=3_000)) as models:
        queue = models.queue = Told(database)
        refused = models.for_run(60, 12, Wallet(tokens=0), priority=Priority.PATIENT)
        with pytest.raises(BudgetReached):
            await refused.model("classify").answer(PROMPT, Label)
        after_refusal = dict(queue.owed)
        await models.for_run(60, 12, priority=Priority.PATIENT).model("classify").answer(PROMPT, Label)
        queue.stands.clear()
        waiting = asyncio.create_task(
            models.for_run(60, 12, priority=Priority.PATIENT).model("classify").answer(PROMPT, Label)
        )
        await queue.stands.wait()
        waiting.cancel()
        await asyncio.wait({waiting})

    assert len(fake.log.chats()) == 1
    assert after_refusal == queue.owed
    assert queue.owed["openai:gpt-4o"].requests == -1
    assert queue.owed["openai:gpt-4o"].tokens < -300


async def test_a_provider_that_asks_to_wait_holds_every_process_and_an_unlimited_model_asks_no_store(
    database: Database, fake: OpenAIFake, registry: RegistryOn
) -> None:
    fake.script.fail(faults.rate_limited("1"))
    async with registry(more=_limited(requests_per_minute=600)) as models:
        models.queue = ModelQueue(database)
        await models.for_run(10, 12, priority=Priority.PATIENT).model("classify").answer(PROMPT, Label)
        held = await ModelQueue(database).take(models.tables.model_limits["openai:gpt-4o"], 1, Priority.BACKGROUND, 0)

    async with registry() as models:
        models.queue = None
        run = models.for_run(10, 12)
        await run.model("classify").answer(PROMPT, Label)

    assert not held.granted
    assert run.calls[0].waited_seconds == 0.0
