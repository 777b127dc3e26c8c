"""Each node that a model serves has a plan, and a plan that makes no sense is refused by line."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from distillation.plan import PLANS, load_plan, plan_file
from evaluation.paired import is_shown_worse
from evaluation.rows_needed import Assumed, rows_needed
from evaluation.worlds import World
from nodes.load import load_flow
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.rights import PEOPLE
from pharmacy.domain.toml_file import TomlFile

ROOT = Path(__file__).parents[3]
MODELS = TomlFile.read(ROOT / "nodes" / "models.toml").tables
NODES = sorted(name for name, table in MODELS.items() if "teacher" in table)
TEXT = plan_file("classify").read_text(encoding="utf-8")


def test_each_node_that_a_model_serves_has_its_plan_and_no_other_has() -> None:
    assert sorted(file.stem for file in PLANS.iterdir()) == NODES


@pytest.mark.parametrize("node", NODES)
def test_a_shipped_plan_fits_the_flow(node: str) -> None:
    plan = load_plan(node)

    assert set(plan.approvers) <= set(PEOPLE)
    assert plan.worlds.count == 4_000
    assert {criterion.name for criterion in plan.safety}


@pytest.mark.parametrize("node", NODES)
def test_the_rows_that_a_plan_asks_for_are_at_least_what_its_assumptions_need(node: str) -> None:
    plan = load_plan(node)
    assumed = Assumed(**plan.assumed.model_dump())

    needed = rows_needed(None, assumed, margin=plan.margin, confidence=plan.confidence)

    assert 0.65 * plan.minimum_rows < needed.rows <= plan.minimum_rows


@pytest.mark.parametrize("node", NODES)
def test_a_fall_in_what_may_not_get_worse_is_caught_four_times_in_five(node: str) -> None:
    plan, chance, of = load_plan(node), np.random.default_rng(13), 120
    for criterion in plan.safety:
        world = World(0.91, 0.05 if criterion.caught_drop < 0.03 else 0.1, 0.1)

        caught = sum(
            is_shown_worse(world.draw(criterion.minimum_rows, -criterion.caught_drop, chance), plan.confidence)
            for _ in range(of)
        )

        assert caught >= binom.ppf(0.001, of, 0.8)


def test_no_two_plans_share_a_seed() -> None:
    assert len({load_plan(node).worlds.seed for node in NODES}) == len(NODES)


@pytest.mark.parametrize(
    ("there", "instead", "said"),
    [
        pytest.param("margin = 0.04", "margin = 0.5", r":6: \[margin\] 0\.5: Input should be less", id="wide-margin"),
        pytest.param("margin = 0.04", "margin = nan", r"\[margin\] nan", id="not-a-number"),
        pytest.param("margin = 0.04", 'margin = "0.04"', r"\[margin\] '0.04'", id="text"),
        pytest.param("margin = 0.04", "margn = 0.04", r"\[margin\] Field required", id="typo"),
        pytest.param("margin = 0.04", "margin = 0.04\nmore = 2", r"\[more\] 2: Extra inputs", id="unknown-key"),
        pytest.param('metric = "exact_agreement"', 'metric = "accuracy"', r"\[metric\] 'accuracy'", id="metric"),
        pytest.param('["lead", "engineer"]', '["owner"]', r"\[approvers.0\] 'owner'", id="nobodys-role"),
        pytest.param('["lead", "engineer"]', '["machine"]', r"\[approvers\] 'machine': expected some of", id="machine"),
        pytest.param('["lead", "engineer"]', "[]", r"\[approvers\] \[\]", id="nobody"),
        pytest.param('of = "pharmacist_only"', 'of = "pharmacist"', r"'pharmacist': expected one of", id="label"),
        pytest.param('measure = "sensitivity"', 'measure = "criterion"', r"'criterion': expected one of", id="measure"),
        pytest.param("minimum_rows = 400", "minimum_rows = 9_000", "9000: expected at most the plan's", id="rows"),
        pytest.param("[0.05, 0.2, 0.5]", "[0.05, 0.5, 0.2]", r"\[canary.shares\] .*rising", id="falling-shares"),
        pytest.param("bound = 0.8", "bound = 1.0", r"\[step_back.bound\] 1\.0", id="a-bound-nobody-holds"),
        pytest.param(
            'measure = "acceptance"',
            'measure = "judge_pass"',
            "expected acceptance beside exact_agreement",
            id="labels-no-judge-marks",
        ),
        pytest.param("alpha = 0.01", "alpha = 0", r"\[step_back.alpha\] 0", id="never-a-false-alarm"),
        pytest.param("seed = 2026112301", "", r"\[worlds.seed\] Field required", id="no-seed"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(tmp_path: Path, there: str, instead: str, said: str) -> None:
    assert there in TEXT
    (tmp_path / "classify.toml").write_text(TEXT.replace(there, instead, 1), encoding="utf-8")

    with pytest.raises(ConfigError, match=said):
        load_plan("classify", load_flow(), tmp_path)


def test_a_node_without_a_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"classify\.toml"):
        load_plan("classify", folder=tmp_path)
