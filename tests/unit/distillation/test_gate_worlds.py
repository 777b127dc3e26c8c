"""The gate keeps its word, in fewer worlds than `make gate-worlds` draws; and is caught when it does not."""

from pathlib import Path

import pytest
from scipy.stats import binom

from distillation.gate_worlds import Kept, main, measure, worlds_of
from distillation.plan import PLANS, load_plan, plan_file
from evaluation.rows_needed import POWER
from evaluation.worlds import World

OF = 150
NODES = sorted(file.stem for file in PLANS.glob("*.toml"))


@pytest.mark.parametrize("node", NODES)
def test_the_hardest_and_the_most_lopsided_worlds_keep_the_promise(node: str) -> None:
    plan = load_plan(node)
    worlds = worlds_of(plan)

    for world in (World(0.75, 0.20, 0.3, long_is_harder=True), World(0.97, 0.02, 0.3)):
        kept = measure(plan, world, worlds.index(world), OF)

        assert kept.at_margin <= binom.ppf(0.9999, OF, 1 - plan.confidence)
        assert kept.as_good >= binom.ppf(0.0001, OF, POWER)


def test_every_discordance_correlation_and_level_that_can_be_is_among_the_worlds() -> None:
    worlds = worlds_of(load_plan("classify"))

    assert {world.teacher_share for world in worlds} == {0.75, 0.91, 0.97}
    assert {world.discordance for world in worlds} == {0.02, 0.05, 0.10, 0.20}
    assert {(world.correlation, world.long_is_harder) for world in worlds} == {
        (0.0, False), (0.1, False), (0.3, False), (0.3, True),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("at_margin", "as_good", "holds"),
    [
        pytest.param(200, 3300, True, id="five-percent"),
        pytest.param(226, 3300, True, id="more-by-chance"),
        pytest.param(241, 3300, False, id="over-six-percent"),
        pytest.param(235, 3300, False, id="more-than-chance"),
        pytest.param(150, 3199, False, id="too-seldom-as-good"),
        pytest.param(0, 3200, True, id="four-fifths"),
    ],
)
def test_a_promise_is_kept_within_chance_and_not_beyond(at_margin: int, as_good: int, *, holds: bool) -> None:
    assert Kept(World(0.91, 0.1, 0.1), at_margin, as_good, 4_000, 0.05).holds is holds


def test_with_too_few_rows_the_command_says_no(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = plan_file("classify").read_text(encoding="utf-8")
    few = plan.replace("minimum_rows = 400", "minimum_rows = 300").replace("count = 4_000", "count = 8")
    (tmp_path / "classify.toml").write_text(few, encoding="utf-8")

    assert main([], tmp_path) == 1
    assert "NOT KEPT" in capsys.readouterr().out
