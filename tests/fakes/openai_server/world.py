"""Everything one stand-in knows: its models, script, log and prompt cache."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fakes.openai_server.batches import Batches
from tests.fakes.openai_server.errors import no_key, wrong_key
from tests.fakes.openai_server.files import Files
from tests.fakes.openai_server.http import Request
from tests.fakes.openai_server.known_models import KnownModels
from tests.fakes.openai_server.prompt_cache import PromptCache
from tests.fakes.openai_server.request_log import RequestLog
from tests.fakes.openai_server.script import Script
from tests.fakes.openai_server.stored import Stored
from tests.fakes.openai_server.tuning import Tuning

AZURE = "/openai/v1"
"""Under this path the stand-in is as Azure is: the key comes in a header of its own."""


@dataclass
class World:
    """The state that every route works on."""

    models: KnownModels
    latency_seconds: float = 0.0
    """How long a completion takes before its first byte."""

    key: str | None = None
    """The only key that is accepted; None accepts any that is not blank."""

    script: Script = field(default_factory=Script)
    log: RequestLog = field(default_factory=RequestLog)
    cache: PromptCache = field(default_factory=PromptCache)
    chat_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    files: Files = field(default_factory=Files)
    tuning: Tuning = field(default_factory=Tuning)
    stored: Stored = field(default_factory=Stored)
    batches: Batches = field(default_factory=Batches)
    at_work: set[asyncio.Task[None]] = field(default_factory=set)
    """Jobs and batches that go on while nobody asks."""

    def check_key(self, request: Request) -> None:
        """Refuse a request without a good key.

        Raises:
            ApiError: 401.
        """
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        if request.path.startswith(AZURE):
            kind, key = "bearer", request.headers.get("api-key", "")
        if kind.lower() != "bearer" or not key.strip():
            raise no_key()
        if self.key is not None and key.strip() != self.key:
            raise wrong_key(key.strip())
