"""Every way in which one node of a run can fail, and the runs that fail so: nothing may go out by itself."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pharmacy.domain.gates.recognise import Recognition
from tests.fakes.obedient_model import OWN_REPLY, obedient
from tests.fakes.openai_server.script import Asked

MARKED = "故障"
NODES = ("Classification", "PhaseSwitch", "WrittenReply", "Verdict", "triage", "patient")
"""The schemas by which a model node is known, and two faults of nodes that ask no model."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong in one run."""

    node: str
    kind: str
    number: int

    @property
    def words(self) -> str:
        """The message that brings it about."""
        return f"配送の件です。{MARKED}{self.number}号です。"


_BENT: dict[str, Callable[[dict[str, Any]], Any]] = {
    "html": lambda _: "<html><body>502 Bad Gateway</body></html>",
    "empty": lambda _: "",
    "cut": lambda _: '{"safety": "clear", "cat',
    "list": lambda answer: [answer],
    "null": lambda _: "null",
    "text before": lambda answer: f"はい。{answer}",
    "extra key": lambda answer: answer | {"auto_send": True},
    "key missing": lambda answer: dict(list(answer.items())[1:]),
    "unknown word": lambda answer: {key: "auto_sent" if key != "reply" else "" for key in answer},
    "number as text": lambda answer: dict.fromkeys(answer, "5"),
    "deep": lambda _: '{"a":' * 2_000,
    "nan": lambda answer: json.dumps(dict.fromkeys(answer, float("nan"))),
}
KINDS = tuple(_BENT)


def drawn(seed: int, count: int) -> list[Fault]:
    """Return `count` faults, each of a random kind in a random node."""
    draw = random.Random(seed)
    return [Fault(draw.choice(NODES), draw.choice(KINDS), number) for number in range(count)]


def breaking(faults: list[Fault]) -> Callable[[Asked], Any]:
    """Return a rule that answers well, but for the node that a message's own fault names."""
    by_words = {fault.words: fault for fault in faults}

    def answer(asked: Asked) -> Any:
        good = obedient(asked)
        good = good | {"reply": OWN_REPLY} if "reply" in good else good
        fault = next((fault for words, fault in by_words.items() if words in asked.user), None)
        return _BENT[fault.kind](good) if fault and fault.node == asked.schema_name else good

    return answer


class FaultyGate:
    """A recogniser that breaks in the flow, after intake has read the message."""

    def __init__(self, faults: list[Fault]) -> None:
        self._breaks_at = {fault.words for fault in faults if fault.node == "triage"}
        self._seen: set[str] = set()

    def recognise(self, words: str) -> Recognition:
        """Return no hit, or break at the second look at a message whose fault is `triage`."""
        if words in self._breaks_at:
            if words in self._seen:
                raise RuntimeError("the recogniser broke")
            self._seen.add(words)
        return Recognition(())
