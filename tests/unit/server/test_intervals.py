"""The drawing of means: all of it within the drawing, on one scale, and clear only where zero lies outside."""

import pytest

from server.console.intervals import WIDTH, Interval, forest


def test_differences_stand_around_zero_and_those_that_reach_across_it_are_not_clear() -> None:
    drawn = forest([Interval("worse", -0.09, -0.06, -0.03), Interval("open", -0.01, 0.01, 0.03)], around_zero=True)

    assert drawn.zero == WIDTH / 2
    assert drawn.ticks == (-0.1, 0.0, 0.1)
    assert [line.is_clear for line in drawn.lines] == [True, False]
    assert drawn.lines[0].high < drawn.zero < drawn.lines[1].value


@pytest.mark.parametrize(("low", "begins"), [(0.94, 0.9), (0.55, 0.5), (0.0, 0.0), (1.0, 0.9)])
def test_means_stand_on_a_scale_that_ends_at_one_and_begins_below_the_least(low: float, begins: float) -> None:
    drawn = forest([Interval("a", low, (low + 1) / 2, 1.0)])

    assert drawn.ticks[0] == pytest.approx(begins)
    assert (drawn.ticks[-1], drawn.zero) == (1.0, None)
    assert 0 <= drawn.lines[0].low <= drawn.lines[0].value <= drawn.lines[0].high <= WIDTH


def test_nothing_is_drawn_of_nothing() -> None:
    assert forest([]).lines == ()
    assert forest([], around_zero=True).ticks == (-0.01, 0.0, 0.01)
