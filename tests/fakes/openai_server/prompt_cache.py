"""The provider's prompt cache: an identical leading 1,024 tokens or more, in steps of 128, while it is fresh."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

SMALLEST = 1024
STEP = 128
KEPT = 20_000
IDLE_SECONDS = 300.0
"""How long a prefix that nobody asks for is kept; the provider says five to ten minutes."""


class PromptCache:
    """Which leading parts of prompts have been seen, per model."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        """A prefix to when it was last asked for, the longest ago first."""

    def take(self, model: str, tokens: Sequence[str]) -> int:
        """Return how many leading tokens of this prompt were seen lately, and remember all of it."""
        cached = 0
        now = self._clock()
        running = hashlib.blake2b(model.encode(), digest_size=16)
        begin = 0
        for end in range(SMALLEST, len(tokens) + 1, STEP):
            running.update("\0".join(tokens[begin:end]).encode(errors="surrogatepass"))
            key, begin = running.digest(), end
            if now - self._seen.get(key, float("-inf")) <= IDLE_SECONDS:
                cached = end
            self._seen[key] = now
            self._seen.move_to_end(key)
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return cached
