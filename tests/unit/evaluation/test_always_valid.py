"""The live watch: it may look as often as it likes, and still seldom cries wolf."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.stats import binom

from evaluation.always_valid import Watch
from evaluation.worlds import SIZE_SHARES

BOUND, ALPHA = 0.8, 0.05


def _alarm(watch: Watch, acceptances: np.ndarray) -> int | None:
    """Return after how many cases `watch` says that the acceptance has fallen."""
    for at, acceptance in enumerate(acceptances, 1):
        watch = watch.after(float(acceptance))
        if watch.has_fallen:
            return at
    return None


def _draws(level: float, cases: int, seed: int) -> np.ndarray:
    return (np.random.default_rng([9, seed]).random(cases) < level).astype(float)


def test_a_student_that_just_holds_the_bound_is_seldom_stepped_back_from() -> None:
    alarms = sum(_alarm(Watch(BOUND, ALPHA), _draws(BOUND, 2_000, run)) is not None for run in range(60))

    assert alarms <= binom.ppf(0.999, 60, ALPHA)


@pytest.mark.long
@pytest.mark.parametrize("bound", [0.7, 0.8, 0.9])
def test_over_ten_thousand_looks_false_alarms_stay_below_alpha(bound: float) -> None:
    alarms = sum(_alarm(Watch(bound, ALPHA), _draws(bound, 10_000, run)) is not None for run in range(300))

    assert alarms <= binom.ppf(0.999, 300, ALPHA)


def test_marks_that_hold_the_bound_are_held_to_it_too() -> None:
    marks = [np.random.default_rng([10, run]).binomial(4, BOUND, 1_000) / 4 for run in range(60)]

    alarms = sum(_alarm(Watch(BOUND, ALPHA), run) is not None for run in marks)

    assert alarms <= binom.ppf(0.999, 60, ALPHA)


def test_one_case_of_each_conversation_keeps_the_promise_where_all_cases_would_break_it() -> None:
    first, every = 0, 0
    for run in range(40):
        chance = np.random.default_rng([11, run])
        sizes = chance.choice(np.arange(1, 31), size=800, p=SIZE_SHARES)
        levels = chance.beta(BOUND * 7 / 3, (1 - BOUND) * 7 / 3, size=800)
        cases = (chance.random(sizes.sum()) < np.repeat(levels, sizes)).astype(float)
        first += _alarm(Watch(BOUND, ALPHA), cases[np.cumsum(sizes) - sizes]) is not None
        every += _alarm(Watch(BOUND, ALPHA), cases) is not None

    assert first <= binom.ppf(0.999, 40, ALPHA) < every


@pytest.mark.parametrize(
    ("good_before", "within"),
    [
        pytest.param(0, 600, id="from-the-start"),
        pytest.param(2_000, 1_000, id="after-2000-good-ones"),
    ],
)
def test_a_fall_to_ten_points_below_the_bound_is_seen(good_before: int, within: int) -> None:
    late = 0
    for run in range(20):
        fallen = np.concatenate([_draws(0.85, good_before, run), _draws(0.7, within, run + 1000)])
        at = _alarm(Watch(BOUND, 0.01), fallen)
        late += at is None or at <= good_before

    assert late <= binom.ppf(0.999, 20, 0.05)


def test_the_state_is_plain_numbers_that_go_on_where_they_stopped() -> None:
    acceptances = _draws(0.75, 120, 3)
    through, halves = Watch(BOUND, ALPHA), Watch(BOUND, ALPHA)
    for acceptance in acceptances:
        through = through.after(float(acceptance))
    for half in (acceptances[:60], acceptances[60:]):
        for acceptance in half:
            halves = halves.after(float(acceptance))
        stored = json.loads(json.dumps(dataclasses.asdict(halves)))
        halves = Watch(**{**stored, "capitals": tuple(stored["capitals"])})

    assert halves == through


def test_a_bet_is_fair_at_the_bound() -> None:
    watch = Watch(BOUND, ALPHA)
    for acceptance in _draws(0.7, 50, 1):
        watch = watch.after(float(acceptance))

    expected = BOUND * watch.after(1.0).capital + (1 - BOUND) * watch.after(0.0).capital

    assert watch.capital != pytest.approx(1.0)
    assert expected == pytest.approx(watch.capital)


def test_an_alarm_stays() -> None:
    watch = Watch(BOUND, ALPHA)
    for acceptance in [0.0] * 60 + [1.0] * 500:
        watch = watch.after(acceptance)

    assert watch.has_fallen
    assert watch.cases == 560


def test_refuses_what_no_test_can_hold() -> None:
    with pytest.raises(ValueError, match=r"bound is 1\.0; expected a number between 0 and 1"):
        Watch(1.0, 0.05)
    with pytest.raises(ValueError, match="alpha is 0"):
        Watch(0.8, 0)
    with pytest.raises(ValueError, match="the acceptance is nan"):
        Watch(0.8, 0.05).after(float("nan"))
    with pytest.raises(ValueError, match="2 capitals; expected 5"):
        Watch(0.8, 0.05, 3, (0.1, 0.2))
