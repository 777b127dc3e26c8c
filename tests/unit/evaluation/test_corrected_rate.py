"""A pass rate with the judge's errors taken out."""

import numpy as np
import pytest
from scipy.stats import binom

from evaluation.corrected_rate import corrected_rate
from pharmacy.domain.share import Share


def test_a_judge_without_errors_is_believed() -> None:
    found = corrected_rate(Share(80, 100), Share(10_000, 10_000), Share(10_000, 10_000))

    assert found.value == found.judged == 0.8
    assert found.low == pytest.approx(Share(80, 100).interval[0], abs=0.01)
    assert found.high == pytest.approx(Share(80, 100).interval[1], abs=0.01)


def test_a_lenient_judge_is_corrected_downward() -> None:
    # True 0.7: passes 0.7 * 0.95 + 0.3 * 0.4.
    found = corrected_rate(Share(785, 1000), Share(190, 200), Share(120, 200))

    assert found.value == pytest.approx(0.7)
    assert found.low < 0.7 < found.high < 0.8


def test_fewer_calibration_drafts_and_correlation_leave_more_doubt() -> None:
    many = corrected_rate(Share(785, 1000), Share(190, 200), Share(120, 200))
    few = corrected_rate(Share(785, 1000), Share(19, 20), Share(12, 20))
    alike = corrected_rate(Share(785, 1000), Share(190, 200), Share(120, 200), design_effect=3)

    assert few.high - few.low > 2 * (many.high - many.low)
    assert alike.high - alike.low > many.high - many.low


@pytest.mark.parametrize(
    ("true", "sensitivity", "specificity", "judged", "calibration"),
    [
        pytest.param(0.8, 0.95, 0.7, 500, 100, id="lenient"),
        pytest.param(0.9, 0.8, 0.9, 300, 50, id="severe-few-calibration-drafts"),
        pytest.param(0.5, 0.7, 0.7, 1000, 200, id="poor"),
        pytest.param(0.97, 0.99, 0.8, 400, 60, id="nearly-all-good"),
    ],
)
def test_a_95_percent_interval_holds_the_truth(
    true: float, sensitivity: float, specificity: float, judged: int, calibration: int
) -> None:
    chance, of, held = np.random.default_rng(8), 2000, 0
    for _ in range(of):
        rate = true * sensitivity + (1 - true) * (1 - specificity)
        found = corrected_rate(
            Share(int(chance.binomial(judged, rate)), judged),
            Share(int(chance.binomial(calibration, sensitivity)), calibration),
            Share(int(chance.binomial(calibration, specificity)), calibration),
        )
        held += found.low <= true <= found.high

    assert held >= binom.ppf(0.001, of, 0.95)


def test_a_judge_that_guesses_corrects_nothing() -> None:
    with pytest.raises(ValueError, match="sensitivity 5/10 and specificity 5/10 show no judge better than chance"):
        corrected_rate(Share(5, 10), Share(5, 10), Share(5, 10))
    with pytest.raises(ValueError, match="specificity is of 0 drafts"):
        corrected_rate(Share(5, 10), Share(9, 10), Share(0, 0))
