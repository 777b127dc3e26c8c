"""Rows for `classify` as they are exported: the shipped examples under the node's own prompt."""

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from evaluation.student_examples import Example, Split, read_examples
from graph.assemble import Files, words_of
from nodes.classify import classification_schema
from nodes.load import load_flow
from pharmacy.domain.conversation import Author, Transcript, Turn
from pharmacy.domain.model import Prompt
from pharmacy.models.tables import read_tables
from pharmacy.models.wire_schema import response_format
from pharmacy.settings import Settings
from prompts.load import compose

NODE = "classify"
AT = datetime(2026, 11, 1, tzinfo=UTC)


@cache
def drawn(split: Split, count: int, seed: int = 5) -> tuple[Example, ...]:
    """Return so many examples, at most one of a family while there are families left."""
    examples = read_examples(NODE, split)
    random.Random(seed).shuffle(examples)
    first_of_family = {example.family: example for example in reversed(examples)}
    rest = [example for example in examples if example is not first_of_family[example.family]]
    return tuple([*first_of_family.values(), *rest][:count])


def prompt(text: str) -> Prompt:
    """Return what the node asks of a patient's message."""
    _, files, words = _words()
    transcript = Transcript((Turn(Author.PATIENT, text, AT),))
    return compose(words.prompt, words.frame, words.static, {"conversation": transcript.rendered()}, files.prompts)


def messages(text: str) -> list[dict[str, str]]:
    """Return the messages of a call."""
    asked = prompt(text)
    return [{"role": "system", "content": asked.system}, {"role": "user", "content": asked.user}]


def rows(examples: Sequence[Example]) -> list[dict[str, Any]]:
    """Return the examples as rows to train on."""
    return [{"messages": [*messages(each.text), {"role": "assistant", "content": _answer(each)}]} for each in examples]


def written(path: Path, examples: Sequence[Example]) -> Path:
    """Return `path`, with the examples' rows in it."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(examples)), encoding="utf-8")
    return path


def form() -> dict[str, Any]:
    """Return the form in which the node wants its answer."""
    return dict(response_format(classification_schema(_words()[0])))


def _answer(example: Example) -> str:
    reason = f"用件は {example.answer} にあたる"
    return json.dumps({"safety": "clear", "category": example.answer, "reason": reason}, ensure_ascii=False)


@cache
def _words():  # type: ignore[no-untyped-def]
    settings = Settings()
    flow = load_flow(settings.flow_file)
    files = Files(settings.flow_file, settings.models_file, settings.prompts_folder, settings.policy_file)
    return flow, files, words_of(flow, read_tables(files.models), files)[NODE]
