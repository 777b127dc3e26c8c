"""The provider of the replay: answers by what is true, counts every token, caches prompts as the real one documents.

`python -m tests.bench.cost.provider --count 1000 --student-error 0.03` prints its address.
"""

import argparse
import json
import random
from collections.abc import Mapping
from typing import Any

from tests.bench.cost.answers import Models
from tests.bench.cost.traffic import known, traffic
from tests.bench.simulated import Answer
from tests.bench.simulator import serve
from tests.fakes.openai_server.prompt_cache import PromptCache
from tests.fakes.openai_server.token_count import pieces, prompt_pieces

GAP_SECONDS = 36.0
"""Between two messages on average: 1,000 in ten hours. A prompt that is asked for less often falls out of the cache."""


class Replayed:
    """Answers, usage, and the clock that its cache goes by."""

    def __init__(self, models: Models, *, caches: bool) -> None:
        self._models = models
        self._draw = random.Random(models.seed)
        self._now = 0.0
        self._cache = PromptCache(lambda: self._now) if caches else None

    def to(self, asked: Mapping[str, Any]) -> Answer:
        """Return the answer to a request's body, with its usage counted from what was sent."""
        form, schema = (asked["response_format"]["json_schema"][name] for name in ("name", "schema"))
        model, messages = str(asked["model"]), list(asked["messages"])
        if form == "Classification":  # the first that is asked of a message
            self._now += self._draw.expovariate(1 / GAP_SECONDS)
        text = json.dumps(self._models.answer(model, form, schema, str(messages[-1]["content"])), ensure_ascii=False)
        tokens = prompt_pieces(messages, schema)
        cached = self._cache.take(model, tokens) if self._cache else 0
        return Answer(text, len(pieces(text)), len(tokens), cached)


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, required=True, help="messages of the replay")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--teacher-error", type=float, required=True)
    parser.add_argument("--student-error", type=float, required=True)
    parser.add_argument("--scale", type=float, default=0.0, help="of the latency")
    parser.add_argument("--caches", action="store_true", help="whether it caches prompts")
    asked = parser.parse_args()
    import uvloop

    messages = known(traffic(asked.seed, asked.count))
    models = Models(messages, asked.seed, asked.teacher_error, asked.student_error)
    uvloop.run(serve(0, asked.scale, Replayed(models, caches=asked.caches)))


if __name__ == "__main__":
    main()
