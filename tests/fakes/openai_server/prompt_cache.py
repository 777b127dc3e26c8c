"""The provider's prompt cache: an identical leading 1,024 tokens or more, in steps of 128."""

import hashlib
from collections import OrderedDict

SMALLEST = 1024
STEP = 128
KEPT = 20_000


class PromptCache:
    """Which leading parts of prompts have been seen, per model."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def take(self, model: str, tokens: list[str]) -> int:
        """Return how many leading tokens of this prompt were seen before, and remember all of it."""
        cached = 0
        running = hashlib.blake2b(model.encode(), digest_size=16)
        begin = 0
        for end in range(SMALLEST, len(tokens) + 1, STEP):
            running.update("\0".join(tokens[begin:end]).encode(errors="surrogatepass"))
            key, begin = running.digest(), end
            if key in self._seen:
                cached = end
            self._seen[key] = None
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return cached
