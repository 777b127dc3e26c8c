"""A long run that was interrupted goes on where it was, with the same draws."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.progress import Progress

from tests.soak.__main__ import measured_by
from tests.soak.part import OutOfTime, Part, Run
from tests.soak.promises import Figure


def _run(folder: Path, **kept: object) -> Run:
    progress = Progress(disable=True)
    return Run(folder, 7, 1.0, progress, progress.add_task("part"), dict(kept))


def test_rounds_go_on_after_the_last_one_that_ended(tmp_path: Path) -> None:
    first = _run(tmp_path)
    rounds = first.rounds(5)
    assert [next(rounds), next(rounds)] == [0, 1]
    first.started -= 20 * 60 + 1
    with pytest.raises(OutOfTime, match="2 of 5"):
        next(rounds)
    second = _run(tmp_path, **first.kept)

    assert not second.was_broken_off
    assert [*second.rounds(5)] == [2, 3, 4]


def test_a_part_that_was_killed_within_a_round_begins_anew(tmp_path: Path) -> None:
    measured: list[int] = []

    def measure(run: Run) -> Iterator[Figure]:
        for number in run.rounds(3):
            measured.append(number)
            if measured == [0, 1]:
                raise KeyboardInterrupt
        yield Figure("P1", "rounds", "3", "3", holds=True)

    part = Part("", ("P1",), 1, measure)
    with pytest.raises(KeyboardInterrupt):
        measured_by(part, _run(tmp_path / "part"))
    (tmp_path / "part" / "of the first").touch()

    assert [figure.what for figure in measured_by(part, _run(tmp_path / "part"))] == ["rounds"]
    assert measured == [0, 1, 0, 1, 2]
    assert not (tmp_path / "part" / "of the first").exists()


def test_what_was_broken_off_as_it_waited_for_the_last_texts_is_known(tmp_path: Path) -> None:
    run = _run(tmp_path)
    with run.under_way():
        pass
    ended_well = run.was_broken_off
    with pytest.raises(KeyboardInterrupt), run.under_way():
        raise KeyboardInterrupt

    assert not ended_well
    assert run.was_broken_off


def test_a_part_stops_after_twenty_minutes(tmp_path: Path) -> None:
    late = _run(tmp_path)
    late.started -= 20 * 60 + 1

    with pytest.raises(OutOfTime, match="0 of 5"):
        next(late.rounds(5))


def test_draws_follow_the_seed_and_the_place_alone(tmp_path: Path) -> None:
    one, other = _run(tmp_path), _run(tmp_path)

    assert one.draw("strike", 3).random() == other.draw("strike", 3).random()
    assert one.draw("strike", 3).random() != one.draw("strike", 4).random()
