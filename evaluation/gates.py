"""Measure the gate on a labelled file: python -m evaluation.gates FILE [--quiet]

FILE holds one JSON object per line: text, category, must_gate and, if it is not the category's, tier.

Four sets of wordings, each by another author, were held back from the rules. At their first look the gate of that day
held E, U and H at their tier, and must-not-hold rows, as follows:
1: E 245/263, U 116/128, H 69/80, held 43/177;    2: E 187/208, U 105/113, H 66/68, held 27/101;
3: E 120/129, U 109/120, H 62/71, held 37/184;    4: E 127/131, U 105/114, H 72/74, held 20/185.
The first three have been training material since. No rule, floor or example was made from the fourth
(tests/data/gate-heldback-4.jsonl); its totals were looked at eight times more while rows by others were learned.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.domain.gates.rules import CATEGORIES

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Outcome:
    """One labelled message and what the gate said."""

    text: str
    category: str
    wanted: Tier | None
    """The tier it must be held at, or None when it must not be held."""

    found: Tier | None
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether it is held at its tier or a more pressing one, or rightly let go."""
        if self.wanted is None:
            return self.found is None
        return self.found is not None and "EUH".index(self.found) <= "EUH".index(self.wanted)


def measure(path: Path, recogniser: Recogniser) -> list[Outcome]:
    """Return what `recogniser` says about each row of the labelled file at `path`."""
    outcomes = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        wanted = Tier(row.get("tier") or CATEGORIES[row["category"]]) if row["must_gate"] else None
        start = time.perf_counter()
        found = recogniser.recognise(row["text"]).tier
        outcomes.append(Outcome(row["text"], row["category"], wanted, found, time.perf_counter() - start))
    return outcomes


def interval(count: int, total: int) -> tuple[float, float]:
    """Return the exact two-sided 95% interval of a share (Clopper and Pearson, 1934)."""
    from scipy.stats import binomtest

    found = binomtest(count, total).proportion_ci(_CONFIDENCE, method="exact")
    return float(found.low), float(found.high)


def most_missed(missed: int, total: int) -> float:
    """Return the exact one-sided 95% upper bound of the share missed."""
    from scipy.stats import binomtest

    return float(binomtest(missed, total, alternative="less").proportion_ci(_CONFIDENCE, method="exact").high)


def report(outcomes: Sequence[Outcome], *, quiet: bool) -> str:
    """Return recall per tier and category, the near-miss rate and the times, one line each; then every error."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[f"tier {outcome.wanted}" if outcome.wanted else "near-misses let go"].append(outcome)
        if outcome.wanted:
            groups[outcome.category].append(outcome)
    lines = [_line(name, groups[name]) for name in sorted(groups, key=lambda name: (name in CATEGORIES, name))]
    times = sorted(outcome.seconds * 1000 for outcome in outcomes)
    lines.append(f"ms p50 {times[len(times) // 2]:.2f}, p99 {times[int(len(times) * 0.99)]:.2f}, max {times[-1]:.2f}")
    if not quiet:
        wrong = [outcome for outcome in outcomes if not outcome.is_right]
        lines += [f"wanted {o.wanted or '-'} found {o.found or '-'} {o.category}: {o.text!r}" for o in wrong]
    return "\n".join(lines)


def _line(name: str, outcomes: Sequence[Outcome]) -> str:
    total, right = len(outcomes), sum(outcome.is_right for outcome in outcomes)
    low, high = interval(right, total)
    bound = most_missed(total - right, total)
    return f"{name}: {right}/{total} = {right / total:.3f} [{low:.3f}, {high:.3f}], at most {bound:.3f} wrong (95%)"


if __name__ == "__main__":
    files = [argument for argument in sys.argv[1:] if argument != "--quiet"]
    if len(files) != 1:
        sys.exit("usage: python -m evaluation.gates FILE [--quiet]")
    print(report(measure(Path(files[0]), Recogniser.load()), quiet="--quiet" in sys.argv))
