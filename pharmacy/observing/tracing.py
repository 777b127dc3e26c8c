"""Tracing: each message on its way to LangSmith."""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from langsmith import tracing_context

from pharmacy.observing.langsmith_client import client_of
from pharmacy.observing.trace import ROOT, Passage, Trace
from pharmacy.redaction.redact import WITHHELD, Redaction, Redactor
from pharmacy.settings import Settings

LARGEST_QUEUE = 1000
BATCH = 20
CLOSE_SECONDS = 0.5
FORGOTTEN_SECONDS = 600.0

log = logging.getLogger(__name__)

Build = Callable[[], Trace]


def untraced() -> AbstractContextManager[None]:
    """Return a context in which no run is traced, whatever the environment says.

    LangChain traces by itself when LANGSMITH_TRACING is set, and would send patients' words as they are. Nothing leaves
    until it has been redacted.
    """
    return tracing_context(enabled=False)


@dataclass
class Counts:
    """What became of traces in this process."""

    sent: int = 0
    dropped: int = 0
    """The queue was full, or the process ended."""

    failed: int = 0
    """LangSmith could not be reached, refused them, or they could not be built."""

    forgotten: int = 0
    """Their patient was erased before they left."""


class Tracing:
    """Traces on their way to LangSmith: a bounded queue, and a thread that nobody waits for."""

    def __init__(
        self, settings: Settings, redactor: Redactor, nodes: Iterable[str], largest: int = LARGEST_QUEUE
    ) -> None:
        self.counts = Counts()
        self._settings = settings
        self._redactor = redactor
        self._nodes = frozenset(nodes)
        self._largest = largest
        self._queue: deque[tuple[str, Build]] = deque()
        self._forgotten: OrderedDict[str, float] = OrderedDict()
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def is_on(self) -> bool:
        """Whether anything is traced at all."""
        return self._settings.langsmith_tracing

    def address_of(self, run_id: str) -> str | None:
        """Return the page on which the run's trace can be read; None where none is traced, or no page is known."""
        page = self._settings.trace_url
        return page.replace("{run_id}", quote(run_id, safe="")) if self.is_on and page else None

    def offer(self, conversation: str, build: Build) -> bool:
        """Have a trace sent some time; say whether there was room. Returns at once, whatever LangSmith does.

        Args:
            conversation: `PHARMACY/CONVERSATION`, by which it can be forgotten while it waits.
            build: makes the trace, in the sending thread.
        """
        if not self.is_on:
            return False
        with self._changed:
            if self._closing or len(self._queue) >= self._largest:
                self.counts.dropped += 1
                return False
            self._queue.append((conversation, build))
            self._start()
            self._changed.notify()
        return True

    def forget(self, conversation: str | None) -> None:
        """Let go of a conversation's traces that have not left, and of those that come late; None lets go of all."""
        with self._changed:
            kept = [] if conversation is None else [each for each in self._queue if each[0] != conversation]
            self.counts.forgotten += len(self._queue) - len(kept)
            self._queue = deque(kept)
            if conversation is not None:
                self._forgotten[conversation] = time.monotonic()
            while self._forgotten and time.monotonic() - next(iter(self._forgotten.values())) > FORGOTTEN_SECONDS:
                self._forgotten.popitem(last=False)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Send what is left for at most `seconds`, then leave it: no exit waits for LangSmith."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)
        with self._changed:
            self.counts.dropped += len(self._queue)
            self._queue.clear()
        if self.counts.dropped or self.counts.failed:
            log.warning("traces_lost dropped=%d failed=%d", self.counts.dropped, self.counts.failed)

    def _start(self) -> None:
        if self._thread is None:
            # A daemon: a process that ends does not wait for it.
            self._thread = threading.Thread(target=self._send_all, name="traces", daemon=True)
            self._thread.start()

    def _send_all(self) -> None:
        client = client_of(self._settings, self._count_failure)
        while batch := self._take():
            runs = [run for conversation, build in batch for run in self._runs(conversation, build)]
            if not runs:
                continue
            failed = self.counts.failed
            client.multipart_ingest(create=runs)
            if self.counts.failed == failed:
                self.counts.sent += sum("parent_run_id" not in run for run in runs)

    def _take(self) -> list[tuple[str, Build]]:
        """Return the next traces, waiting for them; none when the process ends."""
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            return [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]

    def _runs(self, conversation: str, build: Build) -> list[dict[str, Any]]:
        if conversation in self._forgotten:
            self.counts.forgotten += 1
            return []
        try:
            return _payload(build(), self._redactor, self._nodes, self._settings.langsmith_project)
        except Exception as error:  # noqa: BLE001 (a trace that cannot be made must cost nobody anything else)
            self.counts.failed += 1
            log.warning("trace_not_made reason=%s", type(error).__name__)
            return []

    def _count_failure(self, error: Exception) -> None:
        self.counts.failed += 1
        if self.counts.failed == 1:
            log.warning("traces_not_taken reason=%s", type(error).__name__)


def _payload(trace: Trace, redactor: Redactor, nodes: frozenset[str], project: str) -> list[dict[str, Any]]:
    """Return the trace as LangSmith's runs, redacted under one set of pseudonyms."""
    redaction = redactor.conversation(trace.known_names)
    dotted = dot(trace.began_at, trace.id)
    common = {"trace_id": str(trace.id), "session_name": project}
    # The conversation itself first, so that its names have the same pseudonyms in every node's run.
    root = common | {
        "id": str(trace.id),
        "name": ROOT,
        "run_type": "chain",
        "dotted_order": dotted,
        **_content(redaction, trace.began_at, trace.ended_at, trace.inputs, trace.outputs, trace.metadata, trace.error),
    }
    return [root, *(common | _run(redaction, passage, nodes, trace, dotted) for passage in trace.passages)]


def _run(redaction: Redaction, passage: Passage, nodes: frozenset[str], trace: Trace, dotted: str) -> dict[str, Any]:
    began_at = max(passage.began_at, trace.began_at)
    return {
        "id": str(passage.id),
        "parent_run_id": str(trace.id),
        # LangSmith's own masking leaves names as they are, so only names that stand in our files are names.
        "name": passage.node if passage.node in nodes else "node",
        "run_type": "llm" if passage.by_model else "chain",
        "dotted_order": f"{dotted}.{dot(began_at, passage.id)}",
        **_content(
            redaction, began_at, passage.ended_at, passage.inputs, passage.outputs, passage.metadata, passage.error
        ),
    }


def _content(
    redaction: Redaction,
    began_at: datetime,
    ended_at: datetime,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    metadata: Mapping[str, Any],
    error: str | None,
) -> dict[str, Any]:
    return {
        "start_time": began_at.astimezone(UTC).isoformat(),
        "end_time": max(began_at, ended_at).astimezone(UTC).isoformat(),
        "inputs": _object(redaction.value(inputs)),
        "outputs": _object(redaction.value(outputs)),
        "extra": {"metadata": _object(redaction.value(metadata))},
        "error": None if error is None else redaction.text(error),
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"withheld": WITHHELD}


def dot(at: datetime, run_id: object) -> str:
    """Return a run's place in its trace's order, as LangSmith writes it."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}{run_id}"
