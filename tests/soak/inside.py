"""A pharmacy inside the soak's own process, on an embedded PostgreSQL in the part's folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from graph.assemble import Assembled
from pharmacy.settings import Settings
from tests.api.shop import Shop, running
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver


@asynccontextmanager
async def inside(
    folder: Path,
    provider: OpenAIFake,
    receiver: Receiver | None = None,
    assembled: Assembled | None = None,
    **more: Any,
) -> AsyncIterator[Shop]:
    """Run it for the block; without `assembled` its gate knows three plain words only."""
    delivery = {"delivery_url": receiver.url, "delivery_secret": SecretStr(receiver.secret)} if receiver else {}
    async with running(settings_on(folder, provider, **delivery, **more), assembled) as shop:
        yield shop


def settings_on(folder: Path, provider: OpenAIFake, **more: Any) -> Settings:
    """Return settings on an embedded PostgreSQL in `folder`."""
    base = {"home": folder / "home", "pool_size": 20, "settle_seconds": 0, "models": "openai"}
    return Settings(**(base | more), openai_api_key=SecretStr("k"), openai_base_url=provider.url)


async def answered(shop: Shop) -> bool:
    """Return whether every message has its outcome."""
    found = await shop.rows("SELECT count(*) FROM messages WHERE author = 'patient' AND outcome_id IS NULL")
    return bool(found[0][0] == 0)


def share(times: list[float], part: float) -> float:
    """Return the time that a share of `part` of the times does not pass; 0.99 is the p99."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
