"""The patient's own words where a gate found something: the gates read a folded copy, which is never quoted."""

from bisect import bisect_left
from itertools import product

from pharmacy.domain.gates.normalise import normalise

LONGEST_TEXT = 2_000
"""Characters; a longer message is quoted only where the folded words stand in it as they are."""

_SHIFTS = (0, 1, -1, 2, -2, 3)
"""Places around the one that was found: what the folding leaves out may stand at either end."""


def quoted(raw: str, matched: str) -> str | None:
    """Return the words of `raw` that the gates read as `matched`, or None where they cannot be told for certain.

    Args:
        matched: words of the gate copy of `raw`, or of another text.
    """
    if matched in raw:
        return matched
    wanted = matched.replace("\n", "")
    at = _folded(raw).find(wanted) if wanted and len(raw) <= LONGEST_TEXT else -1
    if at < 0:
        return None
    first = bisect_left(range(len(raw) + 1), at + 1, key=lambda end: len(_folded(raw[:end]))) - 1
    last = bisect_left(range(len(raw) + 1), at + len(wanted), key=lambda end: len(_folded(raw[:end])))
    for before, after in product(_SHIFTS, _SHIFTS):
        words = raw[max(0, first + before) : last + after]
        if _folded(words) == wanted:
            return words.strip()
    return None


def _folded(text: str) -> str:
    return normalise(text).joined()[0]
