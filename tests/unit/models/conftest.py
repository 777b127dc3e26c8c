"""A stand-in for OpenAI per test, and a registry that calls it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.fakes.openai_server import OpenAIFake
from tests.unit.models.setting import STUDENT, RegistryOn, registry_on


@pytest.fixture
def fake() -> Iterator[OpenAIFake]:
    """Return a stand-in that also serves one fine-tuned model."""
    with OpenAIFake(models=(STUDENT,)) as server:
        yield server


@pytest.fixture
def registry(tmp_path: Path, fake: OpenAIFake) -> RegistryOn:
    """Return what opens a registry on the stand-in: `async with registry(timeout_seconds=1) as models`."""
    return partial(registry_on, tmp_path, fake.url)
