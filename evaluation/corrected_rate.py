"""How often drafts really pass, when the judge that says so is known to err."""

from dataclasses import dataclass
from math import sqrt

from scipy.special import ndtri

from pharmacy.domain.share import Share


@dataclass(frozen=True)
class CorrectedRate:
    """The share of good drafts, with the judge's errors taken out."""

    value: float
    """0 to 1."""

    low: float
    high: float

    judged: float
    """What the judge alone says, 0 to 1."""


def corrected_rate(
    passed: Share,
    sensitivity: Share,
    specificity: Share,
    *,
    confidence: float = 0.95,
    design_effect: float = 1.0,
) -> CorrectedRate:
    """Return the true pass rate behind a judge's, with the doubt of the judged and of the calibration drafts.

    Args:
        passed: of the judged drafts, those that the judge passed.
        sensitivity: of the calibration drafts that pharmacists accepted, those that the judge passed.
        specificity: of those that they refused, those that the judge stopped.
        confidence: of the two-sided interval, above 0 and below 1.
        design_effect: how many times the variance of `passed` is that of as many unrelated drafts, 1 or more.

    Raises:
        ValueError: one of the three is of no draft, or the judge is no better than chance, so that its verdicts say
            nothing.

    Source: W. Rogan and B. Gladen, "Estimating prevalence from the results of a screening test" (1978); interval by
    Z. Lang and J. Reiczigel, "Confidence limits for prevalence of disease adjusted for estimated sensitivity and
    specificity" (2014), section 2, as C. Lee and others use it for judge models in "How to Correctly Report
    LLM-as-a-Judge Evaluations", arXiv 2511.21140, section 3.
    """
    for name, share in (("passed", passed), ("sensitivity", sensitivity), ("specificity", specificity)):
        if not share.of:
            raise ValueError(f"corrected_rate: {name} is of 0 drafts; expected at least one")
    right_pass, right_stop = _added(sensitivity, 1.0), _added(specificity, 1.0)
    better = right_pass + right_stop - 1
    if better <= 0 or sensitivity.value + specificity.value <= 1:
        raise ValueError(
            f"corrected_rate: sensitivity {sensitivity.hits}/{sensitivity.of} and specificity "
            f"{specificity.hits}/{specificity.of} show no judge better than chance; expected them to add up to over 1"
        )
    z = float(ndtri((1 + confidence) / 2))
    judged, rate = (passed.of / design_effect + z * z), _added(passed, z * z / 2, design_effect)
    true = min(1.0, max(0.0, (rate + right_stop - 1) / better))
    by_pass = right_pass * (1 - right_pass) / (sensitivity.of + 2)
    by_stop = right_stop * (1 - right_stop) / (specificity.of + 2)
    reach = z * sqrt(rate * (1 - rate) / judged + (1 - true) ** 2 * by_stop + true**2 * by_pass) / better
    middle = true + 2 * z * z * (true * by_pass - (1 - true) * by_stop)
    plain = (passed.value + specificity.value - 1) / (sensitivity.value + specificity.value - 1)
    return CorrectedRate(
        value=min(1.0, max(0.0, plain)),
        low=max(0.0, middle - reach),
        high=min(1.0, middle + reach),
        judged=passed.value,
    )


def _added(share: Share, each: float, design_effect: float = 1.0) -> float:
    # Agresti and Coull's addition of as many imagined hits as misses.
    return (share.hits / design_effect + each) / (share.of / design_effect + 2 * each)
