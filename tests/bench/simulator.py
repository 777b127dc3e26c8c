"""A provider that costs next to nothing: chat completions with a large model's latency, whole or streamed, over HTTP.

`python -m tests.bench.simulator --port 0` prints its address. What it answers depends on the request alone, and for a
draft on how often that very draft was asked for, so that all ways of asking get the same answers; a fifth of the drafts
is turned down by its judge.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, cast

from tests.bench.simulated import MESSAGE_NUMBER, Alike, Answer, Answers, beginning, ending, event, whole

FIRST_SECONDS, TOKEN_SECONDS = 0.5, 0.012
"""To the first token, and for each one, at scale 1: about what gpt-4o takes."""

_NUMBER = re.compile(MESSAGE_NUMBER.pattern.encode())
"""By it is known what a message's model calls took in all, however they lay beside one another."""

_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: {}\r\n{}\r\n\r\n"


@dataclass
class Counts:
    """What was asked of it so far."""

    requests: int = 0
    connections: int = 0
    most_connections: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    tokens: float = 0
    """Written, those of streams that were closed included as far as they came."""

    at_once: int = 0
    most_at_once: int = 0
    """Answers being given."""

    cancelled: int = 0
    """Answers whose reader left before their end."""

    spans: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    """From request to last byte of each call, by message."""

    def told(self) -> dict[str, Any]:
        """Return the counts, and for each message the seconds in which one of its calls or more was being answered."""
        taken = {number: covered(spans) for number, spans in self.spans.items()}
        counts = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "spans"}
        return {**counts, "seconds": taken, "simulator_ms": time.process_time() * 1000}


def covered(spans: Sequence[tuple[float, float]]) -> float:
    """Return how much time the spans cover, what lies in several of them counted once."""
    total, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(end - max(begin, until), 0.0)
        until = max(until, end)
    return total


class Simulator(asyncio.Protocol):
    """One connection: requests come one after another, as clients of a pool send them."""

    def __init__(self, counts: Counts, scale: float, answers: Answers) -> None:
        self._counts, self._scale, self._answers = counts, scale, answers
        self._bytes = b""
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back; who asks only for the counts is none of those that are counted."""
        self._out = cast("asyncio.Transport", transport)
        self._has_asked = False

    def connection_lost(self, _: Exception | None) -> None:
        """Count one less; an answer that was not over is cancelled."""
        self._counts.connections -= self._has_asked
        if self._timer is not None:
            self._timer.cancel()
            self._counts.cancelled += 1
            self._ended()

    def data_received(self, data: bytes) -> None:
        """Read a request to its end, and begin its answer."""
        self._bytes += data
        head, found, rest = self._bytes.partition(b"\r\n\r\n")
        if not found:
            return
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
        }
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._bytes = rest[length:]
        if head.startswith(b"GET"):
            self._write("application/json", json.dumps(self._counts.told()).encode())
            return
        self._counts.connections += not self._has_asked
        self._has_asked = True
        self._counts.most_connections = max(self._counts.most_connections, self._counts.connections)
        self._counts.requests += 1
        self._counts.at_once += 1
        self._counts.most_at_once = max(self._counts.most_at_once, self._counts.at_once)
        self._began = self._loop.time()
        self._of = _NUMBER.search(rest)
        self._begin(json.loads(rest[:length]))

    def _ended(self) -> None:
        self._timer = None
        self._counts.at_once -= 1
        if self._of:
            span = (self._began, self._loop.time())
            self._counts.spans.setdefault(int(self._of[1]), []).append(span)

    def _begin(self, asked: Mapping[str, Any]) -> None:
        answer = self._answers.to(asked)
        text, tokens = answer.text, answer.tokens
        self._counts.prompt_tokens += answer.prompt_tokens
        self._counts.cached_tokens += answer.cached_tokens
        if not asked.get("stream"):
            body = whole(str(asked["model"]), answer)
            self._later((FIRST_SECONDS + TOKEN_SECONDS * tokens) * self._scale, self._whole, body, tokens)
            return
        step = max(-(-len(text) // tokens), 1)
        pieces = [text[at : at + step] for at in range(0, len(text), step)]
        events = [event(str(asked["model"]), piece) for piece in pieces]
        events[0] = beginning(str(asked["model"])) + events[0]
        self._out.write(_HEAD.format("text/event-stream", "transfer-encoding: chunked").encode())
        began = self._loop.time() + FIRST_SECONDS * self._scale
        self._later(FIRST_SECONDS * self._scale, self._piece, events, answer, began, 0, str(asked["model"]))

    def _whole(self, body: bytes, tokens: int) -> None:
        self._ended()
        self._counts.tokens += tokens
        self._write("application/json", body)

    def _piece(self, events: list[bytes], answer: Answer, began: float, at: int, model: str) -> None:
        """Write all the pieces that are due, and wait for the next."""
        each = TOKEN_SECONDS * self._scale * answer.tokens / len(events)
        due = len(events) if each == 0 else min(int((self._loop.time() - began) / each) + 1, len(events))
        self._out.write(b"".join(events[at:due]))
        self._counts.tokens += (due - at) * answer.tokens / len(events)
        if due < len(events):
            self._later(began + each * due - self._loop.time(), self._piece, events, answer, began, due, model)
            return
        self._ended()
        self._out.write(ending(model, answer))

    def _later(self, seconds: float, work: Any, *arguments: Any) -> None:
        self._timer = self._loop.call_later(max(seconds, 0), work, *arguments)

    def _write(self, kind: str, body: bytes) -> None:
        self._out.write(_HEAD.format(kind, f"content-length: {len(body)}").encode() + body)


async def serve(port: int, scale: float, answers: Answers) -> None:
    """Serve until the process ends, and print the address."""
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Simulator(counts, scale, answers), "127.0.0.1", port, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="of the latency; 0 answers at once")
    asked = parser.parse_args()
    import uvloop

    uvloop.run(serve(asked.port, asked.scale, Alike()))


if __name__ == "__main__":
    main()
