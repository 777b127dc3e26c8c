"""The whole path at the stand-in: rows are handed over, a job trains, and its model knows more than its base."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import openai
import pytest

from distillation.trainers.follow import follow
from distillation.trainers.openai_tuning import OpenAITuning
from distillation.trainers.port import Job, State
from distillation.trainers.training_file import read_training_file
from distillation.trainers.under_prompt import NodePrompt
from evaluation.student_examples import Example
from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.tuning_rows import rows_of
from tests.unit.distillation.trainers import classify_rows
from tests.unit.distillation.trainers.rows import BASE, order

OTHERS = ("follow_up", "pharmacist_only")
"""What the base knows before it is trained; of the other categories it has seen nothing."""

HELD_OUT = 150


async def _student(trainer: OpenAITuning, path: Path, rows: int) -> str:
    train = read_training_file(classify_rows.written(path, classify_rows.drawn("train", rows)))
    begun = await trainer.start(order(path, train=train), lambda _: None)

    async def changed(_: Job) -> None:
        pass

    job = await follow(trainer, begun.id, lambda _: None, changed, poll_seconds=0.05)
    assert job.state is State.SUCCEEDED, job
    return str(job.model).removeprefix("openai:")


async def _right(fake: OpenAIFake, model: str, examples: Sequence[Example]) -> int:
    form = classify_rows.form()
    right = 0
    async with openai.AsyncOpenAI(base_url=fake.url, api_key="sk-test", max_retries=0) as client:
        for example in examples:
            answer = await client.chat.completions.create(
                model=model,
                messages=classify_rows.messages(example.text),  # type: ignore[arg-type]
                response_format=form,  # type: ignore[arg-type]
            )
            right += json.loads(answer.choices[0].message.content or "{}")["category"] == example.answer
    return right


@pytest.mark.timed
async def test_more_rows_make_a_better_student_and_any_is_better_than_its_base(
    fake: OpenAIFake, trainer: OpenAITuning, tmp_path: Path
) -> None:
    known = [example for example in classify_rows.drawn("train", 2000) if example.answer in OTHERS][:60]
    base = BASE.removeprefix("openai:")
    content = classify_rows.written(tmp_path / "known.jsonl", known).read_bytes()
    await asyncio.to_thread(fake.tuning.know, base, rows_of(content, "supervised"))
    held_out = classify_rows.drawn("held_out", HELD_OUT)

    models = [base, *[await _student(trainer, tmp_path / f"{rows}.jsonl", rows) for rows in (100, 500)]]
    untrained, hundred, five_hundred = [await _right(fake, model, held_out) for model in models]

    print(f"of {HELD_OUT} held-out rows: base {untrained}, after 100 rows {hundred}, after 500 {five_hundred}")
    assert untrained < hundred < five_hundred


def test_rows_under_the_nodes_own_prompt_carry_its_fingerprint(tmp_path: Path) -> None:
    prompt = NodePrompt.of("classify", Settings())
    examples = classify_rows.drawn("train", 10)

    blanks = prompt.check(read_training_file(classify_rows.written(tmp_path / "rows.jsonl", examples)))

    assert prompt.fingerprint == classify_rows.prompt("").fingerprint
    assert [json.loads(each["conversation"])["text"] for each in blanks] == [example.text for example in examples]


@pytest.mark.parametrize(
    ("role", "words"), [("system", "薬剤師です。"), ("user", "会話")], ids=["another-system-prompt", "another-frame"]
)
def test_rows_under_other_words_are_refused_with_their_line(tmp_path: Path, role: str, words: str) -> None:
    rows = classify_rows.rows(classify_rows.drawn("train", 10))
    next(message for message in rows[3]["messages"] if message["role"] == role)["content"] = words
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    with pytest.raises(ConfigError, match=r"rows\.jsonl:4: stands under other words than classify's prompt"):
        NodePrompt.of("classify", Settings()).check(read_training_file(path))
