"""A pharmacy whose runs and decisions LangSmith hears of."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from pharmacy.settings import Settings
from tests.api.shop import Shop, running
from tests.fakes.langsmith_server import LangSmithFake
from tests.fakes.langsmith_server.fake import KEY


def traced(settings: Settings, langsmith: LangSmithFake, rule: Path | None = None) -> Settings:
    """Return the settings with LangSmith on.

    Args:
        rule: which runs are looked at again; the shipped one when left out.
    """
    told = {"langsmith_tracing": True, "langsmith_api_key": SecretStr(KEY), "langsmith_endpoint": langsmith.url}
    return settings.model_copy(update=told | ({"annotation_file": rule} if rule else {}))


def rule_file(folder: Path, margin_under: int = 0, sample_share: float = 0.0) -> Path:
    """Return a file with that rule."""
    path = folder / "annotation.toml"
    path.write_text(f"margin_under = {margin_under}\nsample_share = {sample_share}\n")
    return path


@asynccontextmanager
async def running_traced(
    settings: Settings, langsmith: LangSmithFake, rule: Path, *, work: bool = True
) -> AsyncIterator[Shop]:
    """Run a pharmacy with LangSmith on."""
    async with running(traced(settings, langsmith, rule), work=work) as shop:
        yield shop


async def told(shop: Shop, langsmith: LangSmithFake, decisions: int = 1, seconds: float = 60) -> list[dict]:
    """Return what LangSmith was told of so many decisions, once it is there."""

    async def look() -> list[dict] | None:
        taken = [*langsmith.platform.feedback.taken.values()]
        return taken if len(taken) >= decisions else None

    return await shop.until(look, seconds)


async def in_queue(shop: Shop, langsmith: LangSmithFake, runs: int, seconds: float = 60) -> dict[str, set[str]]:
    """Return each queue's name with the runs in it, once there are so many."""

    async def look() -> dict[str, set[str]] | None:
        desk = langsmith.platform.queues
        found = {desk.queues[queue]["name"]: {*items} for queue, items in desk.items.items()}
        return found if sum(map(len, found.values())) >= runs else None

    return await shop.until(look, seconds)


async def jobs_left(shop: Shop) -> int:
    """Return how many jobs for LangSmith wait or are in work."""
    (row,) = await shop.rows(
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'langsmith' AND status IN ('todo', 'doing')"
    )
    return int(row[0])


async def seconds_of(work: object) -> float:
    """Return how long the awaitable took."""
    before = time.monotonic()
    await work  # type: ignore[misc]
    return time.monotonic() - before
