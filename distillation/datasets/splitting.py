"""Which patients a model learns from, and on which it is measured: decided at first sight, for ever, for every node."""

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime

from distillation.datasets.rules import Split

TRAIN, VALIDATION, HELD_OUT = "train", "validation", "held_out"
SPLITS = (TRAIN, VALIDATION, HELD_OUT)


def assigned(
    new: Mapping[str, datetime], known: Mapping[str, str], rules: Split, held_out_share: float | None = None
) -> dict[str, str]:
    """Return the split of each patient who has none yet.

    As many are held out as brings all patients' share to the rule's, and they are the newest of the new: a model is
    measured on days that it has not seen.

    Args:
        new: patient to when they were first seen; those in `known` are left alone.
        held_out_share: hold so many of the unassigned out, whatever everybody's share becomes; 0 to 1.
    """
    unknown = [patient for patient in sorted(new, key=lambda patient: (new[patient], patient)) if patient not in known]
    everybody = len(known) + len(unknown)
    wished = rules.held_out_share * everybody, _count(known, HELD_OUT)
    held = _missing(*(wished if held_out_share is None else (held_out_share * len(unknown), 0)), len(unknown))
    others = unknown[: len(unknown) - held]
    validation_of = everybody - _count(known, HELD_OUT) - held
    wanted = _missing(rules.validation_share * validation_of, _count(known, VALIDATION), len(others))
    validation = set(sorted(others, key=_drawn)[:wanted])
    found = dict.fromkeys(unknown, HELD_OUT)
    return found | {patient: VALIDATION if patient in validation else TRAIN for patient in others}


def _missing(wanted: float, have: int, at_most: int) -> int:
    return min(max(math.floor(wanted + 0.5) - have, 0), at_most)


def _count(known: Mapping[str, str], split: str) -> int:
    return sum(of == split for of in known.values())


def _drawn(patient: str) -> bytes:
    return hashlib.sha256(patient.encode()).digest()
