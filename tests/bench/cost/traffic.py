"""The messages of the replay with what is true of each: played patients, written examples, messages the gate holds."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from evaluation.student_examples import Example, read_examples
from tests.circle.truth import EVEN, Message, Talk, talks

GATE_ROWS = Path(__file__).parents[2] / "data" / "gate-utterances.jsonl"
EXAMPLES_SHARE, GATE_SHARE = 0.30, 0.05
"""Of all messages; the rest are conversations of one to four messages, as the circle plays them."""

_CONSENT: Mapping[str, Any] = {"replies": True, "training": True}


def traffic(seed: int, count: int) -> list[Talk]:
    """Return conversations of `count` messages in all, in shuffled order; the same seed gives the same ones."""
    draw = random.Random(seed)
    examples = [_talk("e", n, one) for n, one in enumerate(_examples(draw, round(count * EXAMPLES_SHARE)))]
    held = [_talk("g", n, one) for n, one in enumerate(_held(draw, round(count * GATE_SHARE)))]
    found = [*examples, *held, *_played(seed, count - len(examples) - len(held))]
    return draw.sample(found, len(found))


def known(of: Sequence[Talk]) -> dict[str, Message]:
    """Return each message by its words."""
    return {message.text: message for talk in of for message in talk.messages}


def _played(seed: int, count: int) -> list[Talk]:
    found: list[Talk] = []
    for talk in talks(seed, 0, count, EVEN):
        found.append(replace(talk, messages=talk.messages[:count]))
        count -= len(talk.messages)
        if count <= 0:
            break
    return found


def _examples(draw: random.Random, count: int) -> list[Message]:
    """Return examples that no student learnt from: one of each family, then another of each, and so on."""
    rows = sorted(read_examples("classify", "held_out"), key=_family)
    families = [draw.sample(of, len(of)) for of in (list(group) for _, group in groupby(rows, _family))]
    draw.shuffle(families)
    deepest = max(map(len, families))
    spread = [family[at] for at in range(deepest) for family in families if at < len(family)]
    return [Message(one.family, one.text, one.answer) for one in spread[:count]]


def _family(of: Example) -> str:
    return of.family


def _held(draw: random.Random, count: int) -> list[Message]:
    rows = [json.loads(line) for line in GATE_ROWS.read_text(encoding="utf-8").splitlines()]
    texts = [row["text"] for row in rows if row["must_gate"]]
    return [Message("gate", text, "pharmacist_only") for text in draw.sample(texts, count)]


def _talk(kind: str, number: int, message: Message) -> Talk:
    name = f"{kind}-{number}"
    return Talk(name, {"id": f"p-{name}", "consent": _CONSENT}, (message,))
