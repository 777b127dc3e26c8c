"""Everything one stand-in knows: its models, script, log and prompt cache."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fakes.openai_server.errors import no_key, wrong_key
from tests.fakes.openai_server.http import Request
from tests.fakes.openai_server.known_models import KnownModels
from tests.fakes.openai_server.prompt_cache import PromptCache
from tests.fakes.openai_server.request_log import RequestLog
from tests.fakes.openai_server.script import Script


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

    def check_key(self, request: Request) -> None:
        """Refuse a request without a good key.

        Raises:
            ApiError: 401.
        """
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key.strip():
            raise no_key()
        if self.key is not None and key.strip() != self.key:
            raise wrong_key(key.strip())
