"""Rows for the judge as they are exported: shipped replies, some of them at fault, with a pharmacist's verdict each."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodes.judge import bars
from nodes.load import load_flow
from pharmacy.settings import Settings
from tests.unit.distillation.trainers import reply_rows

NODE = "judge"
_FLOW = load_flow(Settings().flow_file)
BARS = {name: criterion.bar for name, criterion in _FLOW.criteria.items()}
LONG = 118
"""Letters from which this pharmacy finds a reply too long; the rubric allows many more."""


@dataclass(frozen=True)
class Verdict:
    """A draft, and what the pharmacist faulted in it; None: nothing."""

    blanks: Mapping[str, str]
    fault: str | None

    def row(self) -> Mapping[str, object]:
        """Return the row to train on, as the rules of labelling have it."""
        good = {name: {"reason": "問題がない。", "mark": 5} for name in BARS}
        told = f"「{self.fault}」に問題があり、薬剤師が直した。"
        fails = {self.fault: {"reason": told, "mark": BARS[self.fault] - 1}} if self.fault else {}
        return reply_rows.row(self.blanks, good | fails, NODE)


async def verdicts(category: str = "follow_up") -> list[Verdict]:
    """Return verdicts: every third draft answers another matter; of the others those that are long are at fault too.

    One pharmacist in twenty says the opposite of what the others would.
    """
    found, draw = await reply_rows.cases(category), random.Random(3)
    made = []
    for at, case in enumerate(found):
        other = draw.choice([each.reply for each in found if each.topic != case.topic])
        draft = other if at % 3 == 0 else case.reply
        fault = "answers_question" if at % 3 == 0 else "tone" if len(draft) >= LONG else None
        if draw.random() < 0.05:
            fault = None if fault else "tone"
        made.append(Verdict(_blanks(case.blanks, draft), fault))
    return made


def file_of(path: Path, found: Sequence[Verdict]) -> Path:
    """Return `path`, with the rows of `found` in it."""
    path.write_text("".join(json.dumps(each.row(), ensure_ascii=False) + "\n" for each in found), encoding="utf-8")
    return path


def _blanks(of: Mapping[str, str], draft: str) -> dict[str, str]:
    kept = {name: of[name] for name in ("category", "phase", "facts", "conversation")}
    return {**kept, "draft": json.dumps(draft, ensure_ascii=False), "criteria": bars(_FLOW)}
