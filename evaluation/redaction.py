"""Measure the redaction on labelled sentences: python -m evaluation.redaction [--show]

tests/data/redaction.jsonl holds one JSON object per line: set, text, spans of kind, start and end. The half named
held_back was written before the rules and not looked at while they were; what was missed there is shown by --show only
for the other half. tests/data/redaction-clean.jsonl holds sentences without anything personal.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.gates import interval
from pharmacy.redaction.redact import Redactor

_DATA = Path(__file__).parents[1] / "tests" / "data"


@dataclass(frozen=True)
class Seen:
    """One labelled span, or one clean sentence, and whether the redaction did right."""

    of: str
    """`development` or `held_back`."""

    kind: str
    """The span's kind; `clean` for a sentence that must stay as it is."""

    words: str
    text: str
    is_right: bool


def measure(redactor: Redactor, folder: Path = _DATA) -> list[Seen]:
    """Return what became of each labelled span and of each clean sentence."""
    seen = [one for row in _rows(folder / "redaction.jsonl") for one in _spans(redactor, row)]
    clean = _rows(folder / "redaction-clean.jsonl")
    return seen + [Seen(row["set"], "clean", row["text"], row["text"], not redactor.find(row["text"])) for row in clean]


def wrong(seen: Iterable[Seen], of: str, kind: str | None = None) -> tuple[int, int]:
    """Return how many were not right, and how many there are; without `kind`, over all spans."""
    mine = [one for one in seen if one.of == of and (one.kind == kind if kind else one.kind != "clean")]
    return sum(not one.is_right for one in mine), len(mine)


def _spans(redactor: Redactor, row: dict[str, Any]) -> list[Seen]:
    text = str(row["text"])
    gone = {at for span in redactor.find(text) for at in range(span.start, span.end)}
    seen = []
    for label in row["spans"]:
        places = range(label["start"], label["end"])
        # One letter or figure left is a miss: half a phone number still finds its owner.
        is_gone = all(at in gone for at in places if text[at].isalnum())
        seen.append(Seen(str(row["set"]), label["kind"], text[places.start : places.stop], text, is_gone))
    return seen


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _told(name: str, count: int, total: int) -> str:
    low, high = interval(count, total)
    return f"  {name:<10} {count:>3} of {total:>3}   {count / total:6.1%}   95%: {low:.1%} to {high:.1%}"


def main() -> None:
    """Print misses by kind and false alarms, for each half of the set."""
    seen = measure(Redactor())
    for of in ("development", "held_back"):
        print(f"{of}: spans missed")
        for kind in sorted({one.kind for one in seen} - {"clean"}):
            print(_told(kind, *wrong(seen, of, kind)))
        print(_told("all", *wrong(seen, of)))
        print(_told("false", *wrong(seen, of, "clean")) + "   clean sentences with an alarm")
    if "--show" in sys.argv:
        for one in seen:
            if not one.is_right and one.of == "development":
                print(f"{one.kind:<10} {one.words!r} in {one.text!r}")


if __name__ == "__main__":
    main()
