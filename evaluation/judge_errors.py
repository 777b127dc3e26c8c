"""How often a judge errs by its newest evaluation, and what is left of a pass rate once that is taken out."""

from dataclasses import dataclass

from evaluation.clustered_mean import Totals
from evaluation.corrected_rate import CorrectedRate, corrected_rate
from pharmacy.domain.share import Share
from pharmacy.storage import evaluations
from pharmacy.storage.database import Transaction

JUDGE = "judge"


@dataclass(frozen=True)
class JudgeErrors:
    """A judge held against pharmacists' decisions."""

    judge: str
    evaluation: str
    sensitivity: Share
    """Of the drafts that pharmacists accepted, those that it passed."""

    specificity: Share
    """Of those that they refused, those that it stopped."""


async def errors_of(tx: Transaction, pharmacy_id: str, judge: str, prompt_fingerprint: str) -> JudgeErrors | None:
    """Return what the newest evaluation says of `judge` under the present prompt; None where nobody has measured it."""
    for one in await evaluations.ended(tx, pharmacy_id, JUDGE):
        if one.asked["prompt"] != prompt_fingerprint or one.figures is None:
            continue
        for candidate in one.figures["candidates"]:
            scores = candidate["scores"]
            if candidate["candidate"] == judge and {"sensitivity", "specificity"} <= scores.keys():
                return JudgeErrors(judge, str(one.id), _share(scores["sensitivity"]), _share(scores["specificity"]))
    return None


def corrected(passed: Totals, errors: JudgeErrors) -> CorrectedRate | None:
    """Return the pass rate with the judge's errors taken out; None where the judge is no better than chance."""
    rate = passed.mean
    unrelated = rate * (1 - rate)
    effect = max(1.0, passed.row_variance / unrelated) if unrelated > 0 and len(passed.sizes) > 1 else 1.0
    hits = Share(round(float(passed.sums.sum())), passed.rows)
    try:
        return corrected_rate(hits, errors.sensitivity, errors.specificity, design_effect=effect)
    except ValueError:
        return None


def _share(of: dict[str, float]) -> Share:
    return Share(round(of["value"] * of["rows"]), int(of["rows"]))
