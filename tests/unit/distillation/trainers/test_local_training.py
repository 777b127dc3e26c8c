"""Local students: trained from the same rows as any other, kept under their fingerprint, served by it."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from distillation.trainers.local_training import LocalTraining
from distillation.trainers.port import Order, State, TrainerRefused
from distillation.trainers.training_file import read_training_file
from evaluation.student_examples import Example, read_examples
from graph.assemble import files_from, words_of
from nodes.classify import classification_schema
from nodes.load import load_flow
from nodes.switch_phase import phase_schema
from pharmacy.domain.conversation import Author, Transcript, Turn
from pharmacy.domain.errors import ConfigError
from pharmacy.models.local.load import local_model
from pharmacy.models.tables import read_tables
from pharmacy.settings import Settings
from prompts.load import compose
from tests.unit.distillation.trainers import classify_rows
from tests.unit.distillation.trainers.rows import lines, order, written

HELD_OUT = 300


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a home of this test's own."""
    return Settings(home=tmp_path / "home")


def _order(path: Path, rows: int, base: str = "local:nothing") -> Order:
    train = read_training_file(classify_rows.written(path, classify_rows.drawn("train", rows)))
    return order(path, base=base, train=train, prompt_fingerprint=classify_rows.prompt("").fingerprint)


async def _right(settings: Settings, name: str, examples: Sequence[Example]) -> int:
    model = local_model(name.removeprefix("local:"), settings.students_folder)
    schema = classification_schema(load_flow(settings.flow_file))
    answers = [await model.answer(classify_rows.prompt(each.text), schema) for each in examples]
    return sum(answer.category == each.answer for answer, each in zip(answers, examples, strict=True))  # type: ignore[attr-defined]


@pytest.mark.timed
async def test_more_rows_make_a_better_local_student(settings: Settings, tmp_path: Path) -> None:
    trainer, held_out = LocalTraining(settings), classify_rows.drawn("held_out", HELD_OUT)

    jobs = [await trainer.start(_order(tmp_path / "rows.jsonl", rows), lambda _: None) for rows in (100, 500)]
    hundred, five_hundred = [await _right(settings, str(job.model), held_out) for job in jobs]

    print(f"of {HELD_OUT} held-out rows: after 100 rows {hundred}, after 500 {five_hundred}")
    assert [(job.state, job.cost_usd) for job in jobs] == [(State.SUCCEEDED, 0.0)] * 2
    assert hundred < five_hundred


async def test_the_same_order_is_trained_once_and_its_story_told(settings: Settings, tmp_path: Path) -> None:
    trainer, told = LocalTraining(settings), []
    of = _order(tmp_path / "rows.jsonl", 100)

    first = await trainer.start(of, lambda _: None)
    again = await trainer.start(of, told.append)

    (event,) = await trainer.events(first.id, frozenset())
    assert first == again
    assert told == [f"{first.id} was trained on the same order before"]
    assert "right on parts left out" in event.said
    assert await trainer.events(first.id, frozenset({event.id})) == []
    assert (await trainer.look(first.id)).model == f"local:{first.id}"


async def test_the_phase_is_learnt_from_what_stands_in_its_blanks(settings: Settings, tmp_path: Path) -> None:
    files = files_from(settings)
    flow = load_flow(files.flow)
    words = words_of(flow, read_tables(files.models), files)["switch_phase"]
    now = read_examples("switch_phase", "train")[::8]

    def asked(example: Example):  # type: ignore[no-untyped-def]
        turns = [Turn(Author.PHARMACIST, example.last_reply, classify_rows.AT)] if example.last_reply else []
        conversation = Transcript((*turns, Turn(Author.PATIENT, example.text, classify_rows.AT))).rendered()
        allowed = "、".join(flow.phases_after(str(example.phase)))
        blanks = {"phase": str(example.phase), "allowed": allowed, "conversation": conversation}
        return compose(words.prompt, words.frame, words.static, blanks, files.prompts)

    rows = [
        {"messages": [{"role": "system", "content": asked(each).system}, {"role": "user", "content": asked(each).user},
                      {"role": "assistant", "content": json.dumps({"phase": each.answer, "reason": "会話から"})}]}
        for each in now
    ]  # fmt: skip
    path = tmp_path / "rows.jsonl"
    path.write_text(lines(rows), encoding="utf-8")

    job = await LocalTraining(settings).start(
        order(path, node="switch_phase", base="local:nothing", prompt_fingerprint=asked(now[0]).fingerprint),
        lambda _: None,
    )

    model = local_model(job.id, settings.students_folder)
    held_out = read_examples("switch_phase", "held_out")[::3]
    answers = [await model.answer(asked(each), phase_schema(flow, str(each.phase))) for each in held_out]
    right = sum(answer.phase == each.answer for answer, each in zip(answers, held_out, strict=True))  # type: ignore[attr-defined]
    stays = sum(each.phase == each.answer for each in held_out)
    print(f"of {len(held_out)} held-out rows: {right} right, {stays} if the phase never changed")
    assert right > stays


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"node": "write"}, "no local student is trained for it", id="another-node"),
        pytest.param({"base": "local:other"}, "expected 'local:classify'.*or 'local:nothing'", id="another-base"),
    ],
)
def test_refuses_what_it_cannot_train(settings: Settings, rows_file: Path, changes: dict[str, str], said: str) -> None:
    with pytest.raises(TrainerRefused, match=said):
        LocalTraining(settings).estimate(order(rows_file, **{"base": "local:nothing", **changes}))


async def test_refuses_rows_without_two_answers_to_tell_apart(settings: Settings, tmp_path: Path) -> None:
    examples = [each for each in classify_rows.drawn("train", 400) if each.answer == "order_delivery"][:20]
    path = classify_rows.written(tmp_path / "rows.jsonl", examples)

    with pytest.raises(TrainerRefused, match="fewer than two answers"):
        await LocalTraining(settings).start(order(path, base="local:nothing"), lambda _: None)


async def test_refuses_rows_of_another_prompt(settings: Settings, tmp_path: Path) -> None:
    of = order(written(tmp_path / "rows.jsonl", 20), base="local:nothing")

    with pytest.raises(ConfigError, match=":1: stands under other words"):
        await LocalTraining(settings).start(of, lambda _: None)


async def test_weights_that_are_not_the_ones_of_the_name_are_not_served(settings: Settings, tmp_path: Path) -> None:
    job = await LocalTraining(settings).start(_order(tmp_path / "rows.jsonl", 100), lambda _: None)
    (path,) = settings.students_folder.glob("classify/*.npz")
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez_compressed(path, allow_pickle=False, **{**arrays, "bias": arrays["bias"] + 1})

    with pytest.raises(ConfigError, match="expected the weights that the name tells of"):
        local_model(job.id, settings.students_folder)


@pytest.mark.parametrize("name", ["classify-000000000000", "../classify", "classify-../../etc/passwd", "other"])
def test_a_student_that_is_not_there_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(ConfigError, match=r"no such local model|is not there"):
        local_model(name, settings.students_folder)
