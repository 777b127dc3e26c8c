"""Which models could take a retiring one's place, and the one line that puts one there."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from distillation.replacements import put_teacher, replacements
from graph.assemble import Assembled, Files, assemble
from nodes.load import SHIPPED_POLICY
from pharmacy.domain.errors import ConfigError
from pharmacy.models.known_models import known_model
from pharmacy.models.model_name import ModelRef
from pharmacy.models.tables import read_tables

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 23)


def assembled(mode: str) -> Assembled:
    files = Files(ROOT / "nodes/flow.toml", ROOT / "nodes/models.toml", ROOT / "prompts", SHIPPED_POLICY)
    return assemble(files, mode, {"OPENAI_API_KEY": "k"})


def test_models_to_try_stay_half_a_year_cost_no_more_and_the_cheapest_comes_first(tmp_path: Path) -> None:
    found = replacements(assembled("openai"), "classify", tmp_path, TODAY)

    assert found[0] == "openai:gpt-6-luna"
    assert 1 <= len(found) <= 4
    assert "openai:gpt-4o-2024-08-06" not in found
    for ref in found:
        known = known_model(ModelRef.read(ref).name)
        assert known is not None
        assert known.shutdown is None or (known.shutdown - TODAY).days >= 180


def test_without_a_provider_the_students_trained_here_are_tried(tmp_path: Path) -> None:
    (tmp_path / "classify").mkdir()
    (tmp_path / "classify" / "classify-0123456789ab.npz").touch()
    (tmp_path / "switch_phase").mkdir()

    assert replacements(assembled("local"), "classify", tmp_path, TODAY) == ["local:classify-0123456789ab"]
    assert replacements(assembled("local"), "switch_phase", tmp_path, TODAY) == []


def test_a_new_teacher_is_one_line_of_the_file_and_all_else_is_kept(tmp_path: Path) -> None:
    file = Path(shutil.copy(ROOT / "nodes/models.toml", tmp_path))
    before = file.read_text().splitlines()

    put_teacher(file, "judge", "teacher", "openai:gpt-6-luna")

    changed = [pair for pair in zip(before, file.read_text().splitlines(), strict=True) if pair[0] != pair[1]]
    assert changed == [('teacher = "openai:gpt-4o-2024-08-06"', 'teacher = "openai:gpt-6-luna"')]
    assert read_tables(file).nodes["judge"].teacher == "openai:gpt-6-luna"
    assert [path.name for path in tmp_path.iterdir()] == ["models.toml"]


@pytest.mark.parametrize(("node", "ref"), [("refund", "openai:gpt-6-luna"), ("judge", "mars:one")])
def test_a_file_that_would_not_be_read_is_left_as_it_was(node: str, ref: str, tmp_path: Path) -> None:
    file = Path(shutil.copy(ROOT / "nodes/models.toml", tmp_path))
    before = file.read_bytes()

    with pytest.raises(ConfigError):
        put_teacher(file, node, "teacher", ref)

    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["models.toml"]
