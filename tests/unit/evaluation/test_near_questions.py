"""The bar for near questions: the shipped one is what the shipped sets choose and bear out."""

import pytest

from evaluation.near_questions import CHOSEN_ON, MEASURED, Compared, compared, lowest_bar, measured, read_pairs
from pharmacy.domain.repeated.bars import bar_of, wrong_under
from pharmacy.models.local.embedder import NAME, NgramEmbedder


async def test_the_shipped_bar_is_the_one_that_its_set_chooses_and_holds_on_a_set_that_chose_nothing() -> None:
    chosen_on, others = read_pairs(CHOSEN_ON), read_pairs(MEASURED)
    embed = NgramEmbedder().embed

    found = lowest_bar(await compared(chosen_on, embed), wrong_under())

    assert found is not None
    assert found.bar == bar_of(NAME)
    other = measured(await compared(others, embed), found.bar)
    assert other.wrong.interval[1] < wrong_under()
    assert other.hits.value > 0.5
    assert not {pair.before for pair in chosen_on} & {pair.before for pair in others}
    assert len(chosen_on) + len(others) >= 150


def test_a_bar_rises_until_few_enough_are_wrong_and_there_may_be_none() -> None:
    alike = [Compared("negation", 0.62)] * 10 + [Compared("negation", None)] * 90 + [Compared("same", 0.9)]

    found = lowest_bar(alike, 0.05)

    assert found is not None
    assert (found.bar, found.hits.value, found.wrong.hits) == (pytest.approx(0.63), 1.0, 0)
    assert lowest_bar([Compared("negation", 1.0)] * 100, 0.05) is None
