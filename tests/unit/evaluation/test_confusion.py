"""Label figures and judge quality, held against scikit-learn's numbers."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.metrics import cohen_kappa_score, f1_score, precision_score, recall_score

from evaluation.agreement import Weights, judge_quality, kappa
from evaluation.clustered_mean import SHARE
from evaluation.confusion import confusion
from evaluation.label_figures import label_figures, macro_f1

LABELS = ("a", "b", "c")


def _labels(seed: int, cases: int) -> tuple[list[str], list[str], list[int]]:
    chance = np.random.default_rng(seed)
    right = chance.choice(LABELS, size=cases, p=[0.6, 0.3, 0.1])
    given = np.where(chance.random(cases) < 0.8, right, chance.choice(LABELS, size=cases))
    return right.tolist(), given.tolist(), (np.arange(cases) // 3).tolist()


def test_the_figures_of_labels_are_scikit_learns() -> None:
    right, given, whose = _labels(1, 300)

    found = label_figures(right, given, whose, seed=1)

    assert found.macro_f1.value == pytest.approx(f1_score(right, given, average="macro"))
    assert [found.recall[one].value for one in LABELS] == pytest.approx(recall_score(right, given, average=None))
    assert [found.precision[one].value for one in LABELS] == pytest.approx(precision_score(right, given, average=None))
    assert found.agreement.value == np.mean(np.array(right) == np.array(given))
    assert found.confusion.matrix.sum() == found.agreement.rows == 300


def test_a_seed_gives_the_same_interval_again() -> None:
    cases = _labels(2, 120)

    assert label_figures(*cases, seed=3).macro_f1 == label_figures(*cases, seed=3).macro_f1
    assert label_figures(*cases, seed=3).macro_f1 != label_figures(*cases, seed=4).macro_f1


def test_a_label_never_given_has_no_precision_and_one_never_right_no_recall() -> None:
    found = label_figures(["a", "b", "a"], ["a", "a", "other"], ["x", "y", "z"], seed=1, labels=LABELS)

    assert np.isnan(found.precision["b"].value)
    assert np.isnan(found.recall["other"].value)
    assert found.recall["b"].value == 0.0
    assert found.confusion.labels == ("a", "b", "c", "other")


def test_three_right_cases_of_a_rare_label_are_not_taken_for_certainty() -> None:
    right = ["a"] * 60 + ["c"] * 3

    found = label_figures(right, right, range(63), seed=1)

    assert found.recall["c"].value == 1.0
    assert found.recall["c"].low < 0.5


def test_the_interval_of_macro_f1_holds_the_truth() -> None:
    of, held = 60, 0
    truth = float(macro_f1(confusion(*_labels(0, 60_000)).matrix[None])[0])
    for seed in range(of):
        found = confusion(*_labels(seed + 1, 300)).estimate(macro_f1, SHARE, seed=seed)
        held += found.low <= truth <= found.high

    assert held >= binom.ppf(0.001, of, 0.93)


@pytest.mark.parametrize("weights", ["exact", "linear", "quadratic"])
def test_kappa_is_scikit_learns(weights: Weights) -> None:
    chance = np.random.default_rng(6)
    pharmacist = chance.integers(1, 6, size=200)
    model = np.clip(pharmacist + chance.integers(-1, 2, size=200), 1, 5)
    marks = [str(mark) for mark in pharmacist], [str(mark) for mark in model]

    found = kappa(*marks, range(200), scale=("1", "2", "3", "4", "5"), seed=1, weights=weights)

    wanted = cohen_kappa_score(pharmacist, model, weights=None if weights == "exact" else weights)
    assert found.value == pytest.approx(wanted)
    assert found.low < wanted < found.high


def test_a_judge_is_measured_by_what_it_passes_of_the_good_and_stops_of_the_bad() -> None:
    passed = [True] * 80 + [False] * 20 + [True] * 5 + [False] * 15
    accepted = [True] * 100 + [False] * 20

    found = judge_quality(passed, accepted, range(120), seed=1)

    assert (found.sensitivity.value, found.sensitivity.rows) == (0.8, 100)
    assert (found.specificity.value, found.specificity.rows) == (0.75, 20)
    assert found.specificity.high - found.specificity.low > found.sensitivity.high - found.sensitivity.low
    assert found.kappa.value == pytest.approx(cohen_kappa_score(passed, accepted))


def test_two_raters_with_one_mark_each_time_have_no_kappa() -> None:
    found = judge_quality([True] * 10, [True] * 10, range(10), seed=1)

    assert np.isnan(found.kappa.value)
    assert (found.kappa.low, found.kappa.high) == (-1.0, 1.0)


def test_refuses_marks_that_are_not_on_the_scale_and_lists_of_other_lengths() -> None:
    with pytest.raises(ValueError, match=r"the mark '6' is none of \['1', '2'\]"):
        kappa(["1", "6"], ["1", "2"], ["a", "b"], scale=("1", "2"), seed=1)
    with pytest.raises(ValueError, match="2 right and 1 given labels of 2 cases"):
        label_figures(["a", "b"], ["a"], ["x", "y"], seed=1)
