"""The benchmark counts what is there: every message answered, every call and token; no time is looked at here."""

import pytest

from tests.bench.side_by_side import Block, Setting, measure
from tests.bench.simulator import covered
from tests.bench.targets import Target, met


def test_every_way_asks_the_same_models_the_same_questions() -> None:
    ways = [Setting(way, 25, 5, 0.0) for way in ("by_hand", "thrifty")]
    by_hand, early = sorted(measure([Block("alone", ways, 1)], seed=1), key=lambda row: row["name"])

    for row in (by_hand, early):
        assert row["failed"] == 0
        assert len(row["times"]) == len(row["overheads"]) == row["messages"] == 25
        assert 4 < row["requests_each"] < 6  # two labels, and for each draft a judge; one draft in five is turned down
    assert by_hand["requests_each"] == early["requests_each"]
    assert by_hand["tokens_each"] == pytest.approx(early["tokens_each"])


def test_what_lies_in_several_calls_is_waited_for_once() -> None:
    assert covered([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0), (5.5, 5.8)]) == pytest.approx(4.0)


def test_a_target_says_whether_it_is_met() -> None:
    assert met(Target("cost", 1.02, 1.01)) == "1.02; asked: at most 1.01; MISSED"
    assert met(Target("throughput", 6.4, 6, at_least=True)) == "6.40; asked: at least 6; met"
