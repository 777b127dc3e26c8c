"""Figures of drafts: what lies in the middle, how far two texts are apart, and what setting a policy changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.domain.numbers import Figures, change, edits_of, quantile, spread_of


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.floats(0, 1))
def test_a_quantile_is_numpys(values: list[float], at: float) -> None:
    assert quantile(values, at) == pytest.approx(np.quantile(values, at))


@pytest.mark.parametrize(
    ("draft", "sent", "chars", "share"),
    [("お大事に", "お大事に", 0, 0.0), ("お大事に", "どうぞお大事に", 3, 3 / 7),
     ("食前", "食後", 1, 0.5), ("", "薬", 1, 1.0),
     ("", "", 0, 0.0)],
)  # fmt: skip
def test_a_change_is_the_fewest_characters_and_their_share_of_the_longer_text(
    draft: str, sent: str, chars: int, share: float
) -> None:
    assert change(draft, sent) == (chars, pytest.approx(share))


def test_of_nothing_there_is_no_middle() -> None:
    assert (spread_of([]).n, spread_of([]).median, edits_of([]).median_share) == (0, None, None)


def test_a_share_is_of_all_decisions() -> None:
    figures = Figures(decided={"approved": 3, "rejected": 1}, superseded=5)

    assert (figures.share("approved").value, figures.share("edited").of) == (0.75, 4)
