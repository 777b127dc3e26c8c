"""A stand-in for OpenAI, and a trainer that works there."""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest

from distillation.trainers.openai_tuning import OpenAITuning
from pharmacy.models.openai_client import openai_client
from pharmacy.models.patience import Patience
from pharmacy.models.prices import Prices
from pharmacy.models.tables import Endpoint
from tests.fakes.openai_server import OpenAIFake
from tests.unit.distillation.trainers.rows import written

QUICK = Patience(attempts=4, first_wait_seconds=0.01)
TODAY = date(2026, 11, 23)


@pytest.fixture
def fake() -> Iterator[OpenAIFake]:
    """Return a stand-in of this test's own."""
    with OpenAIFake(today=TODAY) as server:
        yield server


@pytest.fixture
async def trainer(fake: OpenAIFake) -> AsyncIterator[OpenAITuning]:
    """Return a trainer that works at the stand-in."""
    client = openai_client("openai", Endpoint(base_url=fake.url, api_key_env="KEY"), {"KEY": "sk-test"})
    made = OpenAITuning("openai", client, Prices(), TODAY, QUICK)
    yield made
    await made.aclose()


@pytest.fixture
def rows_file(tmp_path: Path) -> Path:
    """Return a file of 40 rows."""
    return written(tmp_path / "train.jsonl", 40)
