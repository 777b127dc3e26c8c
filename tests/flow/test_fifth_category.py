"""A pharmacy adds a category in data alone: a table, a prompt, a model; the flow walks it and the drawing follows."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from graph.assemble import Assembled, Files, assemble
from graph.draw import drawn_edges, mermaid
from graph.edges import declared
from graph.run import ReplyFlow
from graph.studio import SHIPPED
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.outcome import OutcomeKind
from tests.fakes.word_recogniser import WordRecogniser
from tests.flow.setting import FLOW, GOOD, classified, context, marked, models, request, written

NODE = "generate_subscription"
CATEGORY = """
[categories.subscription]
label = "定期便"
described = "定期便の回数や間隔、休止や再開について相談している。"
answered_by = "machine"
facts = ["patient.orders"]
openings = ["定期便について"]
"""
MODEL = f"""
[{NODE}]
prompt = "{NODE}/system"
frame = "generate/user"
serving = "teacher"
teacher = "openai:gpt-4o-2024-08-06"
local = "local:generate"
timeout_seconds = 45
max_output_tokens = 1200
"""
PROMPT = "あなたは定期便の係です。次の段階のどこにいるかを見て返信してください。\n{{ phases }}\n"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Return a copy of the shipped files with the fifth category added to each."""
    copied = Files(tmp_path / "flow.toml", tmp_path / "models.toml", tmp_path / "prompts")
    shutil.copytree(SHIPPED.prompts, copied.prompts)
    copied.flow.write_text(SHIPPED.flow.read_text(encoding="utf-8") + CATEGORY, encoding="utf-8")
    copied.models.write_text(SHIPPED.models.read_text(encoding="utf-8") + MODEL, encoding="utf-8")
    (copied.prompts / NODE).mkdir()
    (copied.prompts / NODE / "system.md").write_text(PROMPT, encoding="utf-8")
    return copied


def assembled(files: Files) -> Assembled:
    """Return the flow of `files`, as the program puts it together; the key opens nothing."""
    return assemble(files, "openai", {"OPENAI_API_KEY": "sk-test"})


def without_gates(files: Files) -> ReplyFlow:
    """Return the same flow with a recogniser that holds nothing: the gate's rules are tested elsewhere."""
    return ReplyFlow(replace(assembled(files).replies.parts, recogniser=WordRecogniser()))


async def test_the_flow_walks_to_the_new_generator(files: Files) -> None:
    asked = models(classify=[classified("subscription")], generate_subscription=[written(GOOD)], marks=[marked()])

    outcome = await without_gates(files).run(request("お届けの間隔を変えたいです"), context(asked))

    assert outcome.kind is OutcomeKind.SUGGESTION
    assert outcome.category == "subscription"
    assert NODE in [step.node for step in outcome.steps]
    assert asked.prompts(NODE)[0].system.startswith("あなたは定期便の係です")
    assert "- subscription(定期便)" in asked.prompts("classify")[0].system


async def test_its_opening_goes_straight_to_the_new_generator(files: Files) -> None:
    asked = models(generate_subscription=[written(GOOD)], marks=[marked()])

    outcome = await without_gates(files).run(request("定期便について"), context(asked))

    assert outcome.category == "subscription"
    assert "classify" not in [step.node for step in outcome.steps]


def test_the_drawing_follows(files: Files) -> None:
    made = assembled(files)

    drawn = drawn_edges(made.replies.graph)

    assert f"\t{NODE}({NODE})\n" in mermaid(made.replies.graph)
    assert drawn == {(a, b) for a, targets in declared(made.flow).items() for b in targets}
    shipped = {(a, b) for a, targets in declared(FLOW).items() for b in targets}
    assert drawn - shipped == {("triage", NODE), ("choose", NODE), (NODE, "judge"), ("judge", NODE)}


def test_the_new_category_changes_what_the_classifier_is_bound_to(files: Files) -> None:
    before = assemble(SHIPPED, "openai", {"OPENAI_API_KEY": "sk-test"}).replies.parts.words["classify"]
    after = assembled(files).replies.parts.words["classify"]

    assert before({"conversation": ""}).fingerprint != after({"conversation": ""}).fingerprint


def test_a_category_without_its_model_is_refused(files: Files) -> None:
    shutil.copy(SHIPPED.models, files.models)

    with pytest.raises(ConfigError, match=rf"models.toml:1: \[{NODE}\] is missing; expected a table for each of"):
        assembled(files)


def test_a_category_without_its_prompt_is_refused_at_the_line_that_names_it(files: Files) -> None:
    (files.prompts / NODE / "system.md").unlink()
    line = files.models.read_text(encoding="utf-8").splitlines().index(f'prompt = "{NODE}/system"') + 1

    with pytest.raises(ConfigError, match=rf"models.toml:{line}: \[{NODE}.prompt\] .*system.md cannot be read"):
        assembled(files)


def test_a_model_table_for_no_node_is_refused_at_its_line(files: Files) -> None:
    shutil.copy(SHIPPED.flow, files.flow)
    line = files.models.read_text(encoding="utf-8").splitlines().index(f"[{NODE}]") + 1

    with pytest.raises(ConfigError, match=rf"models.toml:{line}: \[{NODE}\] is no node of flow.toml"):
        assembled(files)


def test_a_prompt_with_a_blank_that_nothing_fills_is_refused(files: Files) -> None:
    (files.prompts / NODE / "system.md").write_text("{{ weather }}", encoding="utf-8")

    with pytest.raises(ConfigError, match=rf"\[{NODE}.prompt\] {NODE}/system: blank 'weather'; expected some of"):
        assembled(files)


@pytest.mark.parametrize("node", ["classify", "switch_phase", "generate", "judge"])
def test_a_frame_that_leaves_a_blank_out_is_refused_at_start(files: Files, node: str) -> None:
    (files.prompts / node / "user.md").write_text("{{ conversation }} {{ weather }}", encoding="utf-8")

    with pytest.raises(ConfigError, match=rf"\[{node}[a-z_]*.frame\] {node}/user: blanks .*'weather'\]; expected"):
        assembled(files)
