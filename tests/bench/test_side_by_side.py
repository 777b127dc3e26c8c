"""The benchmark counts what is there: every message answered, every call and token; no time is looked at here."""

from typing import Any

import pytest

from tests.bench.figures import figures_of, ratio, ratio_of_times
from tests.bench.keep import table
from tests.bench.picture import picture
from tests.bench.side_by_side import Block, Setting, measure
from tests.bench.simulator import covered
from tests.bench.targets import Target, met, targets_of


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
    assert not Target("memory", float("nan"), 0.7).is_met
    assert met(Target("throughput", 6.4, 6, at_least=True)) == "6.40; asked: at least 6; met"


def test_a_ratio_is_taken_within_each_round() -> None:
    rows = [_run("flow", 0, 10), _run("usual", 0, 40), _run("flow", 1, 30), _run("usual", 1, 60), _run("flow", 2, 9)]
    rows.append(_run("usual", 2, 10))

    found = ratio(rows, "alone", "flow", "usual")

    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.25, 0.9))


def test_cost_is_tokens_at_their_price_and_time_is_compared_on_the_same_messages() -> None:
    rows = [_run("quick", 0, 1, block="shape", slower=0.5), _run("by_hand", 0, 1, block="shape")]

    times = ratio_of_times(rows, "shape", "quick", "by_hand", 50)

    assert (times.value, times.low, times.high) == pytest.approx((0.5, 0.5, 0.5))
    assert figures_of(rows)["shape"]["quick"]["usd"] == pytest.approx((4 * 1500 * 2.5 + 400 * 10) / 1e6)


def test_only_what_was_measured_has_targets_and_a_place_in_the_picture() -> None:
    rows = [_run("program", 0, 30, block="alone"), _run("usual", 0, 90), *(_run(way, 0, 9) for way in ALONE)]
    figures = figures_of(rows)

    assert [target.asked for target in targets_of(rows, figures)] == [0.25, 0.10]
    assert "Beside one call after the other" not in picture(figures)


def test_what_is_kept_says_what_was_reached_and_what_keeps_it_from_being_final() -> None:
    told = {"at": "2026-01-02T03:04:05", "cores": 2, "machine": "m", "python": "3.11.7", "scale": 0.5,
            "load_before": 2.0, "targets": [Target("cost", 1.02, 1.01).as_json()],
            "million_instructions": {"usual": 118.2}}  # fmt: skip

    words = table(told)

    assert "at 0.5 of the messages: a look, no result, beside other work (load 2.0)" in words
    assert "| cost | 1.02 | at most 1.01 | MISSED |" in words
    assert "the usual way 118." in words


ALONE = ("by_hand", "usual_streamed", "flow", "thrifty")


def _run(name: str, at: int, cpu_ms: float, block: str = "alone", slower: float = 1.0) -> dict[str, Any]:
    return {
        "block": block, "round": at, "name": name, "messages": 3, "in_flight": 1, "failed": 0, "seconds": 9.0,
        "cpu_ms": {"own": cpu_ms, "postgres": 5.0}, "times": [slower, 2 * slower, 3 * slower],
        "overheads": [0.1, 0.2, 0.3], "kb_in_flight": 8.0, "most_connections": 1, "most_at_once": 1,
        "requests_each": 4, "tokens_each": 400, "cancelled_each": 0, "simulator_ms_each": 1.0,
    }  # fmt: skip
