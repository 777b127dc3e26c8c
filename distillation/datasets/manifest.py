"""What a version says of itself: counts, shares, hashes and names, and no patient's word."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from distillation.datasets.candidates import Candidate
from distillation.datasets.rules import made_by
from distillation.datasets.splitting import SPLITS
from distillation.datasets.words_of_node import NodeWords

Rows = Sequence[tuple[str, Candidate]]


def manifest(
    words: NodeWords, rows: Rows, left_out: Mapping[str, int], production: Mapping[tuple[str, str], int],
    annotations: Mapping[str, int], most_rows: int | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the manifest of a version that is about to be written."""
    by = made_by()
    times = sorted(one.asked_at for _, one in rows)
    return {
        "node": words.node,
        "prompt_fingerprint": words.fingerprint,
        "rules": by.code,
        "redaction": by.redaction,
        "rows": _of_splits(rows),
        "patients": {split: len({one.patient_id for of, one in rows if of == split}) for split in SPLITS},
        "conversations": {split: len({one.conversation_id for of, one in rows if of == split}) for split in SPLITS},
        "kinds": dict(sorted(Counter(one.row["kind"] for _, one in rows).items())),
        "causes": dict(sorted(Counter(one.row["cause"] for _, one in rows if one.row["cause"]).items())),
        **{name: sum(bool(one.row[name]) for _, one in rows) for name in _COUNTED},
        "left_out": dict(sorted(left_out.items())),
        "annotations": dict(sorted(annotations.items())),
        "strata": strata(rows, production),
        "from": times[0].isoformat() if times else None,
        "to": times[-1].isoformat() if times else None,
        "most_rows": most_rows,
        "recorded_under": dict(sorted(Counter(one.row["recorded_fingerprint"] for _, one in rows).items())),
    }


def strata(rows: Rows, production: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    """Return each category and phase with its share of the rows beside its share of all runs that asked the node."""
    mine = Counter((one.row["category"], one.row["phase"]) for _, one in rows)
    runs = sum(production.values())
    return [
        {
            "category": category,
            "phase": phase,
            "rows": mine[category, phase],
            "share": _share(mine[category, phase], len(rows)),
            "production_share": _share(production.get((category, phase), 0), runs),
        }
        for category, phase in sorted({*mine, *production})
    ]


_COUNTED = ("weak", "supervised", "preference", "critical", "topped_up")


def _of_splits(rows: Rows) -> dict[str, int]:
    counted = Counter(split for split, _ in rows)
    return {split: counted[split] for split in SPLITS}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
