"""Which candidates become rows: none twice, none alike across splits, no more than asked for, critical ones first."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from distillation.datasets.candidates import Candidate
from distillation.datasets.near_duplicates import Alike
from distillation.datasets.rules import Rules
from distillation.datasets.splitting import HELD_OUT, TRAIN, VALIDATION

_FIRST_STAYS = (HELD_OUT, VALIDATION, TRAIN)
"""Of two that are alike, the one that measures stays and the one that teaches goes."""


@dataclass(frozen=True)
class Chosen:
    """The rows of a version, in order, and what was left out."""

    rows: Sequence[tuple[str, Candidate]]
    """Split and row."""

    left_out: Counter[str] = field(default_factory=Counter)


def choose(candidates: Sequence[Candidate], splits: Mapping[str, str], rules: Rules, most_rows: int | None) -> Chosen:
    """Return what becomes a row.

    Args:
        splits: patient to split.
        most_rows: of the training split; None takes all. The others stay whole: what is measured is what happens.
    """
    left_out: Counter[str] = Counter()
    by_split = sorted(
        candidates, key=lambda one: (_FIRST_STAYS.index(splits[one.patient_id]), one.asked_at, one.row["id"])
    )
    single = _single(by_split, splits, left_out)
    apart = _apart(single, [splits[one.patient_id] for one in single], rules, left_out)
    parts = {split: [one for one in apart if splits[one.patient_id] == split] for split in _FIRST_STAYS}
    parts[TRAIN] = _capped(parts[TRAIN], rules.top_up.share, most_rows, left_out)
    return Chosen([(split, one) for split in (TRAIN, VALIDATION, HELD_OUT) for one in parts[split]], left_out)


def canonical(value: Any) -> str:
    """Return `value` as the one JSON text that hashes are made from."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _single(ordered: Sequence[Candidate], splits: Mapping[str, str], left_out: Counter[str]) -> list[Candidate]:
    """Return each row once in its split: what is asked and answered alike to the letter teaches nothing more."""
    seen: dict[tuple[str, str], Candidate] = {}
    for one in ordered:
        words = canonical([one.row[name] for name in ("user", "target", "rejected", "kind", "passes")])
        key = (splits[one.patient_id], words)
        if key in seen:
            left_out["duplicate_in_its_split"] += 1
        else:
            seen[key] = one
    return list(seen.values())


def _apart(
    ordered: Sequence[Candidate], split_of: Sequence[str], rules: Rules, left_out: Counter[str]
) -> list[Candidate]:
    doubles = set(Alike([one.read for one in ordered], rules.duplicates).doubles(range(len(ordered)), split_of))
    for place in doubles:
        left_out[f"near_duplicate_in_{split_of[place]}"] += 1
    return [one for place, one in enumerate(ordered) if place not in doubles]


def _capped(
    rows: Sequence[Candidate], top_up_share: float, most: int | None, left_out: Counter[str]
) -> list[Candidate]:
    if most is None or len(rows) <= most:
        return list(rows)
    # Drawn by a hash: even over time and strata, and the same rows for the same records.
    drawn = sorted(rows, key=lambda one: hashlib.sha256(str(one.row["id"]).encode()).digest())
    taken, missed = drawn[:most], [one for one in drawn[most:] if one.row["critical"]]
    room = max(int(most * top_up_share) - sum(one.row["critical"] for one in taken), 0)
    added = [replace(one, row={**one.row, "topped_up": True}) for one in missed[:room]]
    ordinary = [one for one in taken if not one.row["critical"]][
        : most - len(added) - sum(o.row["critical"] for o in taken)
    ]
    kept = [*ordinary, *(one for one in taken if one.row["critical"]), *added]
    left_out["over_the_cap"] += len(rows) - len(kept)
    return sorted(kept, key=lambda one: (one.asked_at, one.row["id"]))
