"""Two models on the same cases."""

import numpy as np
import pytest

from evaluation.paired import Difference, difference, is_no_worse
from evaluation.rows_needed import ENOUGH_SEEN, Assumed, rows_needed
from evaluation.worlds import World

ASSUMED = Assumed(discordance=0.2, design_effect=3.5, conversation_cases=6.0)


def test_says_by_how_much_the_first_is_better_and_how_often_the_two_differ() -> None:
    found = difference([1, 1, 0, 1] * 30, [1, 0, 0, 1] * 30, range(120))

    assert (found.mean, found.first_mean, found.second_mean, found.discordance) == (0.25, 0.75, 0.5, 0.25)
    assert 0.1 < found.low < 0.25 < found.high < 0.4
    assert (found.first_is_better, found.first_is_worse) == (True, False)
    assert (found.rows, found.conversations) == (120, 120)


def test_a_model_against_itself_is_no_better_and_no_worse() -> None:
    found = difference([1, 0, 1, 1] * 50, [1, 0, 1, 1] * 50, range(200))

    assert found.low < found.mean == 0 < found.high
    assert not found.first_is_better
    assert is_no_worse(found.seen, 0.05, 0.95)


def test_marks_are_compared_in_units_of_their_scale() -> None:
    found = difference([5, 3, 4], [1, 3, 2], ["a", "b", "c"], ends=(1, 5))

    assert found.mean == pytest.approx((1 + 0 + 0.5) / 3)


def test_the_design_effect_tells_whole_conversations_lost_from_single_cases() -> None:
    teacher = [1.0] * 300
    conversations = [at // 3 for at in range(300)]
    together = [0.0] * 30 + [1.0] * 270
    apart = ([0.0] + [1.0] * 9) * 30

    assert difference(together, teacher, conversations).design_effect == pytest.approx(3, rel=0.05)
    assert difference(apart, teacher, conversations).design_effect < 1.05


def test_a_margin_is_passed_only_when_the_bound_lies_within_it() -> None:
    student, teacher = [1.0] * 90 + [0.0] * 10, [1.0] * 95 + [0.0] * 5

    found = difference(student, teacher, range(100))

    assert not is_no_worse(found.seen, 0.05, 0.95)
    assert is_no_worse(found.seen, 0.15, 0.95)


def test_refuses_lists_of_other_lengths_and_scores_beyond_the_scale() -> None:
    with pytest.raises(ValueError, match="1 and 2 scores of 2 cases"):
        difference([1], [1, 0], ["a", "b"])
    with pytest.raises(ValueError, match="0 and 0 scores of 0 cases"):
        difference([], [], [])
    with pytest.raises(ValueError, match=r"the score 5\.0"):
        difference([1.0], [5.0], ["a"])


def test_with_nothing_seen_the_rows_rest_on_what_the_plan_assumes() -> None:
    needed = rows_needed(None, ASSUMED, margin=0.05, confidence=0.95)

    assert needed.rests_on == "assumed"
    assert needed.more == needed.rows == 1964


def test_a_few_differences_are_not_taken_for_what_is_so() -> None:
    few = difference([0] * (ENOUGH_SEEN - 1) + [1] * 400, [1] * (ENOUGH_SEEN + 399), range(ENOUGH_SEEN + 399))
    enough = difference([0] * ENOUGH_SEEN + [1] * 400, [1] * (ENOUGH_SEEN + 400), range(ENOUGH_SEEN + 400))

    assert rows_needed(few, ASSUMED, margin=0.05, confidence=0.95).rests_on == "assumed"
    assert rows_needed(enough, ASSUMED, margin=0.05, confidence=0.95).rests_on == "seen"


def test_the_rows_needed_are_those_with_which_an_equal_student_passes_four_times_in_five() -> None:
    world, chance, of = World(0.85, 0.1, 0.2), np.random.default_rng(5), 250
    first = [rows_needed(_seen(world, 3000, chance), ASSUMED, margin=0.04, confidence=0.95).rows for _ in range(15)]

    passed = sum(is_no_worse(world.draw(int(np.median(first)), 0.0, chance), 0.04, 0.95) for _ in range(of))

    assert 0.68 < passed / of < 0.92


def test_more_rows_are_those_still_missing_and_never_fewer_than_the_plan_asks_for() -> None:
    seen = difference([1, 0] * 500, [0, 1] * 500, range(1000))

    assert rows_needed(seen, ASSUMED, margin=0.09, confidence=0.95, least=1500).more == 500
    assert rows_needed(seen, ASSUMED, margin=0.09, confidence=0.95, least=10).more == 0


def _seen(world: World, rows: int, chance: np.random.Generator) -> Difference:
    drawn = world.draw(rows, 0.0, chance)
    cases = np.repeat(np.arange(len(drawn.sizes)), drawn.sizes.astype(int))
    # Within a conversation only the sum counts: its wins or losses stand first.
    place = np.concatenate([np.arange(size) for size in drawn.sizes])
    scores = np.where(place < np.abs(drawn.sums)[cases], np.sign(drawn.sums)[cases], 0.0)
    return difference((scores > 0).astype(float).tolist(), (scores < 0).astype(float).tolist(), cases.tolist())
