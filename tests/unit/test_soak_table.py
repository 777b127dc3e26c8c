"""The table of promises: what the README shows is what was measured last."""

from pathlib import Path

import pytest

from tests.soak.parts import parts
from tests.soak.promises import PROMISES, Figure
from tests.soak.table import parts_table, readme_table

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_readme_shows_every_promise_with_the_figures_last_measured() -> None:
    assert readme_table() in README.read_text(encoding="utf-8")
    assert [*PROMISES] == [f"P{number}" for number in range(1, 21)]


def test_the_readme_names_every_long_run_with_its_length_and_what_it_does() -> None:
    assert parts_table(parts()) in README.read_text(encoding="utf-8")


def test_no_part_takes_more_than_twenty_minutes() -> None:
    assert [name for name, part in parts().items() if part.minutes > 20] == []


def test_a_figure_of_no_promise_is_refused() -> None:
    with pytest.raises(ValueError, match="'P21' is none of"):
        Figure("P21", "wishes granted", "3", "3", holds=True)


@pytest.mark.parametrize(
    ("holds", "is_aim", "falls_short", "said"),
    [
        (True, False, False, "holds"),
        (False, False, True, "FALLS SHORT"),
        (True, True, False, "holds"),
        (False, True, False, "aim not reached"),
    ],
)
def test_an_aim_not_reached_is_said_and_breaks_no_promise(
    holds: bool, is_aim: bool, falls_short: bool, said: str
) -> None:
    figure = Figure("P17", "missed", "4 of 131", "aim 0", holds, is_aim)

    assert (figure.falls_short, figure.result) == (falls_short, said)
    assert Figure.from_json(figure.as_json()) == figure
