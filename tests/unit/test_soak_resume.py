"""A long run that was interrupted goes on where it was, with the same draws."""

from pathlib import Path

import pytest
from rich.progress import Progress

from tests.soak.part import OutOfTime, Run


def _run(folder: Path, **kept: object) -> Run:
    progress = Progress(disable=True)
    return Run(folder, 7, 1.0, progress, progress.add_task("part"), dict(kept))


def test_rounds_go_on_after_the_last_one_that_ended(tmp_path: Path) -> None:
    first = _run(tmp_path)
    for number in first.rounds(5):
        if number == 2:
            break
    second = _run(tmp_path, **first.kept)

    assert [*second.rounds(5)] == [2, 3, 4]


def test_a_part_stops_after_twenty_minutes(tmp_path: Path) -> None:
    late = _run(tmp_path)
    late.started -= 20 * 60 + 1

    with pytest.raises(OutOfTime, match="0 of 5"):
        next(late.rounds(5))


def test_draws_follow_the_seed_and_the_place_alone(tmp_path: Path) -> None:
    one, other = _run(tmp_path), _run(tmp_path)

    assert one.draw("strike", 3).random() == other.draw("strike", 3).random()
    assert one.draw("strike", 3).random() != one.draw("strike", 4).random()
