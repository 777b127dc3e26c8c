"""Two verdicts, one for each order, are one outcome."""

import pytest

from evaluation.pairwise import BothOrders, Outcome, Preferred, win_rate

FIRST, SECOND, NEITHER = Preferred

WIN, LOSS, PLACE = BothOrders(FIRST, SECOND), BothOrders(SECOND, FIRST), BothOrders(FIRST, FIRST)


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        pytest.param(WIN, Outcome.WIN, id="the-students-both-times"),
        pytest.param(LOSS, Outcome.LOSS, id="the-teachers-both-times"),
        pytest.param(PLACE, Outcome.TIE, id="always-the-first"),
        pytest.param(BothOrders(SECOND, SECOND), Outcome.TIE, id="always-the-second"),
        pytest.param(BothOrders(FIRST, NEITHER), Outcome.TIE, id="once-only"),
        pytest.param(BothOrders(NEITHER, FIRST), Outcome.TIE, id="lost-once-only"),
        pytest.param(BothOrders(NEITHER, NEITHER), Outcome.TIE, id="neither"),
    ],
)
def test_only_what_both_orders_say_counts(verdicts: BothOrders, outcome: Outcome) -> None:
    assert verdicts.outcome is outcome


def test_a_judge_that_always_likes_the_first_place_finds_a_tie_and_is_told_of() -> None:
    found = win_rate([PLACE] * 50, range(50))

    assert (found.rate.value, found.ties, found.held_to_a_place.value) == (0.5, 50, 1.0)


def test_a_win_rate_counts_a_tie_as_a_half() -> None:
    found = win_rate([WIN] * 50 + [LOSS] * 20 + [PLACE] * 30, range(100))

    assert (found.wins, found.ties, found.losses) == (50, 30, 20)
    assert found.rate.value == 0.65
    assert 0.5 < found.rate.low < 0.65 < found.rate.high < 0.75
