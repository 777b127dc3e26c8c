"""A mean over cases of which several are of one conversation: its bounds, and how often they are wrong."""

from math import sqrt

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, t

from evaluation.clustered_mean import DIFFERENCE, SHARE, Totals, estimate, exceeds, lower_bound, totals, upper_bound
from evaluation.worlds import World


def test_for_unrelated_cases_the_bound_is_tangos_with_one_more_loss() -> None:
    wins, losses, alike = 7, 12, 181
    seen = totals([1.0] * wins + [-1.0] * losses + [0.0] * alike, range(200), DIFFERENCE)

    assert lower_bound(seen, 0.95) == pytest.approx(_tango(wins, losses + 1, 201, t.ppf(0.95, 199)), abs=1e-4)


def test_cases_told_twice_say_nothing_more() -> None:
    once = Totals(np.array([1.0, -2, 0, 0, 3]), np.array([2.0, 3, 1, 4, 5]))
    twice = Totals(once.sums * 2, once.sizes * 2)

    assert lower_bound(twice, 0.95) == pytest.approx(lower_bound(once, 0.95), abs=1e-6)
    assert upper_bound(twice, 0.95) == pytest.approx(upper_bound(once, 0.95), abs=1e-6)


def test_alike_cases_of_one_conversation_leave_a_wider_interval_than_unrelated_ones() -> None:
    scores = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0] * 20

    alike = estimate(totals(scores, [at // 3 for at in range(120)]))
    unrelated = estimate(totals(scores, range(120)))

    assert alike.value == unrelated.value == 0.5
    assert alike.low < unrelated.low < 0.5 < unrelated.high < alike.high


def test_better_scores_turned_round_are_worse_ones() -> None:
    seen = totals([1, 0, 0, -1, 0, 1, 1, 0], [1, 1, 2, 3, 4, 5, 6, 6], DIFFERENCE)
    turned = Totals(-seen.sums, seen.sizes)

    assert upper_bound(turned, 0.95) == pytest.approx(-lower_bound(seen, 0.95))


@pytest.mark.parametrize("seed", range(8))
def test_the_bound_lies_where_the_test_stops_to_hold(seed: int) -> None:
    seen = World(0.85, 0.15, 0.2).draw(150 + 50 * seed, -0.02, np.random.default_rng(seed))

    bound = lower_bound(seen, 0.95)

    assert exceeds(seen, bound - 1e-5, 0.95)
    assert not exceeds(seen, bound + 1e-5, 0.95)


def test_without_a_single_loss_a_few_cases_prove_little() -> None:
    assert lower_bound(totals([0.0] * 40, range(40), DIFFERENCE), 0.95) < -0.03
    assert lower_bound(totals([1.0] * 3, range(3)), 0.975) < 0.5
    assert upper_bound(totals([1.0] * 3, range(3)), 0.975) == 1.0


def test_one_conversation_proves_nothing() -> None:
    seen = totals([1.0] * 50, ["a"] * 50)

    assert (lower_bound(seen, 0.95), upper_bound(seen, 0.95)) == SHARE
    assert not exceeds(seen, 0.1, 0.95)


def test_no_case_at_all_has_no_mean_and_every_value_in_its_interval() -> None:
    found = estimate(totals([], []))

    assert np.isnan(found.value)
    assert (found.low, found.high, found.rows) == (0.0, 1.0, 0)


def test_refuses_a_score_beyond_the_ends_and_lists_of_other_lengths() -> None:
    with pytest.raises(ValueError, match=r"the score 1\.5 is not between 0\.0 and 1\.0"):
        totals([0.5, 1.5], ["a", "b"])
    with pytest.raises(ValueError, match="the score nan"):
        totals([float("nan")], ["a"])
    with pytest.raises(ValueError, match="2 scores of 1 cases"):
        totals([0.5, 0.5], ["a"])


@pytest.mark.parametrize(
    ("world", "rows", "worse"),
    [
        pytest.param(World(0.91, 0.05, 0.0), 200, -0.05, id="all-differences-are-losses"),
        pytest.param(World(0.91, 0.06, 0.3), 300, -0.05, id="few-and-alike"),
        pytest.param(World(0.75, 0.20, 0.3, long_is_harder=True), 150, -0.05, id="many-alike-and-long-ones-harder"),
        pytest.param(World(0.97, 0.04, 0.1), 120, -0.02, id="hardly-any-difference"),
    ],
)
def test_a_small_lopsided_sample_passes_at_the_margin_no_more_often_than_said(
    world: World, rows: int, worse: float
) -> None:
    chance, of = np.random.default_rng(11), 400

    passed = sum(exceeds(world.draw(rows, worse, chance), worse, 0.95) for _ in range(of))

    assert passed <= binom.ppf(0.999, of, 0.05)


def test_a_95_percent_interval_of_marks_holds_the_truth() -> None:
    chance, of = np.random.default_rng(12), 300
    held = 0
    for _ in range(of):
        level = np.repeat(chance.beta(8, 2, 60), 3)
        found = estimate(totals(chance.binomial(4, level) / 4, np.repeat(np.arange(60), 3).tolist()))
        held += found.low <= 0.8 <= found.high

    assert held >= binom.ppf(0.001, of, 0.95)


def _tango(wins: int, losses: int, of: int, wanted: float) -> float:
    # T. Tango (1998), equations 9 to 12, solved for the difference.
    def beyond(mean: float) -> float:
        b = -wins - losses + (2 * of - wins + losses) * mean
        c = -losses * mean * (1 - mean)
        chance = (sqrt(b * b - 8 * of * c) - b) / (4 * of)
        return float((wins - losses - of * mean) / sqrt(of * (2 * chance + mean * (1 - mean))) - wanted)

    return float(brentq(beyond, -0.9, (wins - losses) / of))
