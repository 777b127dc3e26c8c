"""Students of the judge: the rubric is corrected by what pharmacists decided, and its hard stops stand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from distillation.trainers.local_training import LocalTraining
from distillation.trainers.port import Job, Order, TrainerRefused
from distillation.trainers.training_file import read_training_file
from distillation.trainers.under_prompt import NodePrompt
from graph.assemble import assemble_from
from pharmacy.domain.errors import ReplyUnreadable
from pharmacy.domain.model import ChatModel
from pharmacy.models.local.judge_student import corrected, one_corrected
from pharmacy.models.local.load import local_model
from pharmacy.models.local.rubric.material import Verdict
from pharmacy.models.local.verdict_weights import CriterionWeights, VerdictCard
from pharmacy.settings import Settings
from tests.unit.distillation.trainers import reply_rows, verdict_rows
from tests.unit.distillation.trainers.rows import order
from tests.unit.distillation.trainers.verdict_rows import BARS, NODE
from tests.unit.models.local.asked import VERDICT, judged, rows

SURE_IT_PASSES, SURE_IT_FAILS = CriterionWeights(bias=-20.0, weights={}), CriterionWeights(bias=20.0, weights={})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a home of this test's own."""
    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="module")
async def verdicts() -> list[verdict_rows.Verdict]:
    """Return the verdicts of pharmacists who like short replies."""
    return await verdict_rows.verdicts()


def _order(path: Path, base: str = "local:judge") -> Order:
    return order(path, node=NODE, base=base, prompt_fingerprint=NodePrompt.of(NODE, Settings()).fingerprint)


async def _trained(settings: Settings, path: Path, found: Sequence[verdict_rows.Verdict]) -> Job:
    train = read_training_file(verdict_rows.file_of(path, found))
    return await LocalTraining(settings).start(_order(train.path), lambda _: None)


async def _agrees(model: ChatModel, found: Sequence[verdict_rows.Verdict]) -> float:
    right = 0
    for each in found:
        answer = dict(await model.answer(reply_rows.prompt(each.blanks, NODE), VERDICT))
        right += all(answer[name].mark >= bar for name, bar in BARS.items()) == (each.fault is None)
    return right / len(found)


def _card(weights: CriterionWeights) -> VerdictCard:
    criteria = dict.fromkeys(BARS, weights)
    return VerdictCard(node=NODE, criteria=criteria, rows=1, rows_fingerprint="0" * 12, cross_validated={})


async def test_it_agrees_with_the_pharmacists_more_often_than_the_rubric_alone(
    settings: Settings, tmp_path: Path, verdicts: list[verdict_rows.Verdict]
) -> None:
    held_out, learnt = verdicts[: len(verdicts) // 3], verdicts[len(verdicts) // 3 :]

    jobs = [await _trained(settings, tmp_path / "rows.jsonl", learnt[:count]) for count in (100, len(learnt))]

    models = [local_model("judge"), *(local_model(job.id, settings.students_folder) for job in jobs)]
    rubric, hundred, most = [await _agrees(model, held_out) for model in models]
    passing = sum(each.fault is None for each in held_out) / len(held_out)
    (event,) = await LocalTraining(settings).events(jobs[1].id, frozenset())
    print(f"of {len(held_out)} held-out verdicts: rubric {rubric:.1%}, after 100 rows {hundred:.1%}, "
          f"after {len(learnt)} {most:.1%}; always the same word {max(passing, 1 - passing):.1%}")  # fmt: skip
    print(event.said)
    assert most > max(rubric, passing, 1 - passing) + 0.1
    assert "by the rubric alone" in event.said


async def test_the_same_rows_give_the_same_bytes(tmp_path: Path, verdicts: list[verdict_rows.Verdict]) -> None:
    homes = [Settings(home=tmp_path / name) for name in ("one", "two")]

    jobs = [await _trained(home, tmp_path / "rows.jsonl", verdicts[:150]) for home in homes]

    first, second = [(home.students_folder / NODE / f"{jobs[0].id}.npz").read_bytes() for home in homes]
    assert first == second


async def test_no_draft_is_kept_in_it(settings: Settings, tmp_path: Path, verdicts: list[verdict_rows.Verdict]) -> None:
    job = await _trained(settings, tmp_path / "rows.jsonl", verdicts[:150])

    weights: Any = local_model(job.id, settings.students_folder)
    words = weights.weights.card.model_dump_json()
    assert not any("ぁ" <= letter <= "鿿" for letter in words)


@pytest.mark.parametrize("row", rows("judge-drafts.jsonl"), ids=lambda row: row["draft"][:12])
async def test_what_the_rubric_stops_for_safety_or_a_made_up_fact_stays_stopped(row: dict[str, Any]) -> None:
    talk = "\n".join(json.dumps(turn, ensure_ascii=False) for turn in row["conversation"])
    blanks = judged({**row, "conversation": talk}, row["draft"])
    rubric = dict(await local_model("judge").answer(reply_rows.prompt(blanks, NODE), VERDICT))
    told = {name: Verdict(each.mark, each.reason) for name, each in rubric.items()}

    after = corrected(_card(SURE_IT_PASSES), told, {}, BARS)

    for name, verdict in told.items():
        if name in ("safety", "accuracy") or verdict.mark == 1:
            assert after[name] == verdict


@pytest.mark.parametrize(
    ("name", "mark", "weights", "expected"),
    [
        pytest.param("tone", 5, SURE_IT_FAILS, 3, id="a-fault-lowers-it-below-the-bar"),
        pytest.param("safety", 5, SURE_IT_FAILS, 3, id="safety-too"),
        pytest.param("tone", 2, SURE_IT_PASSES, 4, id="a-finding-is-overruled-to-the-bar-and-no-higher"),
        pytest.param("safety", 3, SURE_IT_PASSES, 3, id="safety-is-never-overruled"),
        pytest.param("accuracy", 2, SURE_IT_PASSES, 2, id="accuracy-is-never-overruled"),
        pytest.param("tone", 1, SURE_IT_PASSES, 1, id="a-hard-stop-is-never-overruled"),
        pytest.param("tone", 5, SURE_IT_PASSES, 5, id="a-good-mark-stays"),
    ],
)
def test_a_learnt_criterion_moves_a_mark_across_its_bar(
    name: str, mark: int, weights: CriterionWeights, expected: int
) -> None:
    assert one_corrected(name, Verdict(mark, ""), weights.fails({}), 4).mark == expected


async def test_a_trained_judge_serves_its_node(tmp_path: Path, verdicts: list[verdict_rows.Verdict]) -> None:
    shipped = Settings()
    job = await _trained(Settings(home=tmp_path / "home"), tmp_path / "rows.jsonl", verdicts[:150])
    file = tmp_path / "models.toml"
    words = shipped.models_file.read_text(encoding="utf-8")
    file.write_text(words.replace('"local:judge"', f'"{job.model}"'), encoding="utf-8")

    built = assemble_from(Settings(home=tmp_path / "home", models_file=file, models="local"))

    assert built.registry.describe(NODE) == job.model
    answer = dict(await built.models_for_run().model(NODE).answer(
        reply_rows.prompt(verdicts[0].blanks, NODE), VERDICT
    ))  # fmt: skip
    assert set(answer) == set(BARS)
    await built.registry.aclose()


async def test_without_bars_it_says_that_it_cannot_read_the_prompt(
    settings: Settings, tmp_path: Path, verdicts: list[verdict_rows.Verdict]
) -> None:
    job = await _trained(settings, tmp_path / "rows.jsonl", verdicts[:150])
    blanks = {**verdicts[0].blanks, "criteria": "[]x"}

    with pytest.raises(ReplyUnreadable, match="judge: criteria"):
        await local_model(job.id, settings.students_folder).answer(reply_rows.prompt(blanks, NODE), VERDICT)


async def test_verdicts_without_a_fault_teach_nothing(
    settings: Settings, tmp_path: Path, verdicts: list[verdict_rows.Verdict]
) -> None:
    with pytest.raises(TrainerRefused, match="no criterion is learnt"):
        await _trained(settings, tmp_path / "rows.jsonl", [each for each in verdicts if each.fault is None][:60])


async def test_a_judge_that_begins_from_nothing_is_refused(
    settings: Settings, tmp_path: Path, verdicts: list[verdict_rows.Verdict]
) -> None:
    path = verdict_rows.file_of(tmp_path / "rows.jsonl", verdicts[:20])

    with pytest.raises(TrainerRefused, match=r"expected 'local:judge'.*always kept"):
        LocalTraining(settings).estimate(_order(path, "local:nothing"))
