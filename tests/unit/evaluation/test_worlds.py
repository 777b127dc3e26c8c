"""The imagined worlds are what they are called."""

import numpy as np
import pytest

from evaluation.worlds import World, conversations

KINDS = [
    pytest.param(World(0.91, 0.05, 0.0), id="unrelated"),
    pytest.param(World(0.85, 0.10, 0.1), id="alike"),
    pytest.param(World(0.75, 0.20, 0.3, long_is_harder=True), id="alike-and-long-ones-harder"),
    pytest.param(World(0.91, 0.02, 0.3), id="nothing-but-losses"),
]


@pytest.mark.parametrize("world", KINDS)
@pytest.mark.parametrize("difference", [-0.05, 0.0])
def test_the_student_is_exactly_as_much_worse_as_is_said(world: World, difference: float) -> None:
    every = conversations(world, difference)

    assert every.shares.sum() == pytest.approx(1, abs=1e-12)
    assert every.sums @ every.shares / (every.sizes @ every.shares) == pytest.approx(difference, abs=1e-12)


@pytest.mark.parametrize("correlation", [0.0, 0.1, 0.3])
def test_cases_of_one_conversation_are_as_alike_as_is_said(correlation: float) -> None:
    every = conversations(World(0.85, 0.2, correlation), 0.0)
    pairs = every.sizes == 2

    # Of two cases, wins and losses as 1 and -1: the variance of their sum is 2 * 0.2 * (1 + correlation).
    spread = (every.sums[pairs] ** 2) @ every.shares[pairs] / every.shares[pairs].sum()

    assert spread == pytest.approx(2 * 0.2 * (1 + correlation), abs=1e-12)


def test_where_long_conversations_are_harder_the_two_differ_there_more_often() -> None:
    def apart(size: int) -> float:
        every = conversations(World(0.75, 0.1, 0.0, long_is_harder=True), 0.0)
        of_size = every.sizes == size
        return float((every.sums[of_size] ** 2) @ every.shares[of_size] / every.shares[of_size].sum() / size)

    assert apart(12) == pytest.approx(0.15)
    assert apart(1) < 0.1


def test_a_set_has_as_many_cases_as_were_asked_for_and_less_than_a_conversation_more() -> None:
    drawn = World(0.85, 0.1, 0.1).draw(500, -0.04, np.random.default_rng(1))

    assert 500 <= drawn.rows < 530
    assert drawn.sizes.max() <= 30
    assert 2 < drawn.sizes.mean() < 3.5


def test_a_teacher_that_is_nearly_always_right_can_not_disagree_often() -> None:
    assert not World(0.97, 0.20, 0.1).is_possible(0.0)
    assert World(0.97, 0.05, 0.1).is_possible(0.0)
