"""The rows that the output gate is measured on, and how each is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pharmacy.domain.gates.claims import ClaimHit, LintContext, lint

DATA = Path(__file__).parents[3] / "data"


@dataclass(frozen=True)
class Row:
    """One outgoing text, with what the gate is told about it."""

    text: str
    kind: str
    context: LintContext

    @property
    def hits(self) -> tuple[ClaimHit, ...]:
        """What the gate says of it."""
        return lint(self.text, self.context)


def rows(name: str) -> list[Row]:
    """Return the rows of tests/data/claims-`name`.jsonl."""
    lines = (DATA / f"claims-{name}.jsonl").read_text(encoding="utf-8").split("\n")
    return [_row(json.loads(line)) for line in lines if line]


def _row(read: Mapping[str, Any]) -> Row:
    told = read.get("context", {})
    context = LintContext(
        allowed_contacts=frozenset(told.get("allowed_contacts", ())),
        other_names=frozenset(told.get("other_names", ())),
        prompt_texts=tuple(told.get("prompt_texts", ())),
        label_doses=told.get("label_doses", {}),
    )
    kind = read.get("kind", "reworded" if read.get("bad") else "clean")
    return Row(read["text"], kind, context)
