"""Send every labelled row to a running Kakari, each as a patient of its own, and count what became of it.

`python -m tests.acceptance.gate_rows URL KEY` prints the confusion table.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

ROWS = Path(__file__).parents[1] / "data" / "gate-utterances.jsonl"
EMERGENCIES = frozenset({
    "emergency_cardio_resp", "emergency_neuro", "anaphylaxis_severe_allergy", "emergency_gi_bleeding",
    "emergency_metabolic_infection", "self_harm_suicide", "overdose_poisoning_ingestion", "obfuscated_emergency",
})  # fmt: skip
URGENT = frozenset({
    "adverse_reaction", "pregnancy_lactation", "drug_interaction", "special_population", "diagnosis_lab_request",
    "stop_change_prescription", "disease_cure_claim",
})  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """One row with its outcome."""

    row: dict[str, Any]
    outcome: dict[str, Any]

    @property
    def expected(self) -> str:
        """The row's tier; `E/U` where the label leaves it to the words; `-` where it must not be gated."""
        category = self.row["category"]
        if not self.row["must_gate"]:
            return "-"
        if category == "violence_abuse":
            return "E/U"
        if category == "complaint_incident":
            return "H/U"
        return "E" if category in EMERGENCIES else "U" if category in URGENT else "H"

    @property
    def got(self) -> str:
        """The tier it was handed over at, `handover` without one, or `suggestion`."""
        reason = self.outcome.get("reason") or {}
        return reason.get("tier") or self.outcome["outcome"]


def send_all(client: httpx2.Client, run: str, every: int = 1) -> list[Sent]:
    """Return the emergencies and each `every`th other row with its outcome.

    Args:
        run: keeps the conversations of several runs apart.
        every: 1 sends all rows.
    """
    rows = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    rows = [row for place, row in enumerate(rows) if row["category"] in EMERGENCIES or place % every == 0]

    def send(numbered: tuple[int, dict[str, Any]]) -> Sent:
        number, row = numbered
        body = {"conversation_id": f"gate-{run}-{number}", "text": row["text"]}
        answer = client.post("/v1/messages", params={"wait": 60}, json=body)
        answer.raise_for_status()
        if answer.status_code != 200:
            raise AssertionError(f"row {number}: no outcome within 60 s")
        return Sent(row, answer.json())

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(send, enumerate(rows)))


def table(sent: Iterable[Sent]) -> str:
    """Return the confusion table: a line per label, a column per outcome."""
    counted = Counter((one.expected, one.got) for one in sent)
    columns = ["E", "U", "H", "handover", "suggestion", "auto_sent"]
    lines = [f"{'label':<8}" + "".join(f"{column:>12}" for column in columns)]
    for label in ("E", "E/U", "U", "H/U", "H", "-"):
        cells = (f"{counted[label, column]:>12}" for column in columns)
        lines += [f"{label:<8}" + "".join(cells)]
    return "\n".join(lines)


if __name__ == "__main__":
    with httpx2.Client(base_url=sys.argv[1], headers={"Authorization": f"Bearer {sys.argv[2]}"}, timeout=70) as client:
        print(table(send_all(client, sys.argv[3] if len(sys.argv) > 3 else "1")))
