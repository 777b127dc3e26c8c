"""The drawing of a bar for each day: the newest one always says its day, and all of it stands within the drawing."""

from datetime import date, timedelta

import pytest

from pharmacy.domain.numbers import Figures
from server.console.bars import MOST_LABELS, bars_of

LAST = date(2026, 11, 23)
HALF_A_LABEL = 17
"""`11/23` in units of the drawing."""


@pytest.mark.parametrize("many", [1, 7, 12, 13, 30, 90, 366])
def test_the_last_bar_has_its_date_and_every_label_its_room(many: int) -> None:
    days = [LAST - timedelta(days=many - 1 - place) for place in range(many)]

    drawn = bars_of(days, {LAST: Figures(decided={"approved": 3})})

    (piece,), (x, day) = drawn.pieces, drawn.labels[-1]
    assert (day, len(drawn.labels) <= MOST_LABELS) == (LAST, True)
    assert x == pytest.approx(piece.x + piece.width / 2, abs=0.02)
    assert x + HALF_A_LABEL <= drawn.width
    gaps = [later[0] - earlier[0] for earlier, later in zip(drawn.labels, drawn.labels[1:], strict=False)]
    assert all(gap >= 2 * HALF_A_LABEL for gap in gaps)
