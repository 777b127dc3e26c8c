"""Check exported files of the circle without a word of the program's own: rows, canaries, splits, consent."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.circle.truth import Talk


def faults(files: Sequence[Path], talks: Iterable[Talk]) -> list[str]:
    """Return what is wrong, each with its file and line; nothing where all is well."""
    known = [*talks]
    canaries = [words for talk in known for words in talk.canaries]
    found = [f"{path.name}: {said}" for path in files for said in _of_file(path, canaries)]
    return found + _splits(files) + _people(files, known)


def _of_file(path: Path, canaries: Sequence[str]) -> list[str]:
    words = path.read_text(encoding="utf-8")
    found = [f"holds {canary!r}" for canary in canaries if canary in words]
    for number, line in enumerate([line for line in words.split("\n") if line], 1):
        if (why := _row(line)) is not None:
            found.append(f"line {number}: {why}")
    return found


def _row(line: str) -> str | None:
    """Return what of OpenAI's documented format for chat fine-tuning the line breaks."""
    row: Any = json.loads(line)
    if set(row) != {"messages"}:
        return f"keys {sorted(row)}"
    messages = row["messages"]
    if [message["role"] for message in messages] != ["system", "user", "assistant"]:
        return "roles"
    if any(set(message) != {"role", "content"} or not message["content"].strip() for message in messages):
        return "a message without words, or with more than them"
    return None if isinstance(json.loads(messages[-1]["content"]), dict) else "the answer is no object"


def _splits(files: Sequence[Path]) -> list[str]:
    """Return questions that stand in two splits of a node."""
    seen: dict[tuple[str, str], str] = {}
    found = []
    for path in files:
        node, split, _ = path.name.split(".")
        for line in path.read_text(encoding="utf-8").split("\n"):
            if not line:
                continue
            if _row(line) is not None:
                continue
            question = json.loads(line)["messages"][1]["content"]
            if seen.setdefault((node, question), split) != split:
                found.append(f"{path.name}: a question stands in {seen[node, question]} too")
    return found


def _people(files: Sequence[Path], talks: Sequence[Talk]) -> list[str]:
    """Return words of patients who did not agree to training, and patients who stand in two splits of a node.

    A patient is known by words that nobody else has said.
    """
    said = Counter(message.text for talk in talks for message in talk.messages)
    own = {message.text: talk for talk in talks for message in talk.messages if said[message.text] == 1}
    seen: dict[tuple[str, str], str] = {}
    found = []
    for path in files:
        node, split, _ = path.name.split(".")
        words = _patients_words(path)
        for text, talk in own.items():
            if text not in words:
                continue
            if not talk.patient["consent"]["training"]:
                found.append(f"{path.name}: holds words of {talk.id}, who did not agree to training")
            if seen.setdefault((node, talk.id), split) != split:
                found.append(f"{path.name}: {talk.id} stands in {seen[node, talk.id]} too")
    return found


def _patients_words(path: Path) -> frozenset[str]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    shown = [line for row in rows for message in row["messages"][1:2] for line in message["content"].split("\n")]
    return frozenset(json.loads(line)["text"] for line in shown if line.startswith('{"from": "patient"'))
