"""A student's answer beside the one that served: the very same question, held against it, and told to nobody else."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from langsmith import tracing_context
from langsmith.utils import tracing_is_enabled

from distillation.shadowing import NotTheSame, Shadowing
from graph.assemble import Assembled, assemble_from, changing_blanks
from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.model import Answer, ModelCall, Prompt
from pharmacy.settings import Settings
from pharmacy.storage.shadows import Question

STUDENT = "openai:ft:small"
SERVED = json.dumps({"safety": "clear", "category": "follow_up", "reason": "服用後の経過"})


class Listening:
    """Stands in for a run's models: gives one answer, and notes what it was asked and whether that is traced."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.calls: tuple[ModelCall, ...] = ()
        self.asked: list[tuple[Prompt, bool | str]] = []
        self._answer = answer

    def named(self, node: str, ref: str) -> "Listening":
        """Return itself, whoever is meant."""
        assert (node, ref) == ("classify", STUDENT)
        return self

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return the answer."""
        self.asked.append((prompt, tracing_is_enabled()))
        return schema.model_validate(self._answer)


@pytest.fixture
def assembled() -> Assembled:
    """Return the shipped flow on local models."""
    return assemble_from(Settings(models="local"))


@pytest.fixture
def question(assembled: Assembled) -> Question:
    """Return what `classify` was asked in a run, as it was recorded."""
    blanks = dict.fromkeys(changing_blanks("classify"), "患者: 飲み始めて三日たちました")
    prompt = assembled.replies.parts.words["classify"](blanks)
    return Question(
        uuid4(), "classify", "c-1", "p-1", 3, prompt.blanks, prompt.fingerprint, SERVED, "local:classify",
        is_last=True, replied=True, judged_by=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("category", "score"),
    [pytest.param("follow_up", 1.0, id="the-same"), pytest.param("order_delivery", 0.0, id="another")],
)
async def test_a_label_is_right_when_it_is_the_one_that_served(
    assembled: Assembled, question: Question, category: str, score: float
) -> None:
    models = Listening({"safety": "clear", "category": category, "reason": "…"})

    answer = await Shadowing.of("classify", assembled).answer(question, STUDENT, Catalogue(()), models)

    assert answer.scores["exact_agreement"] == score
    assert [prompt.blanks for prompt, _ in models.asked] == [question.blanks]


async def test_langchain_traces_nothing_of_it_whatever_the_environment_says(
    assembled: Assembled, question: Question
) -> None:
    models = Listening(json.loads(SERVED))

    with tracing_context(enabled=True):
        before = tracing_is_enabled()
        await Shadowing.of("classify", assembled).answer(question, STUDENT, Catalogue(()), models)

    assert (before, [is_traced for _, is_traced in models.asked]) == (True, [False])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"prompt_fingerprint": "000000000000"}, id="another-prompt"),
        pytest.param({"blanks": {"transcript": "…"}}, id="another-frame"),
        pytest.param({"output": "{"}, id="no-answer-of-this-node"),
    ],
)
async def test_what_cannot_be_asked_as_it_was_is_not_asked(
    assembled: Assembled, question: Question, change: dict[str, Any]
) -> None:
    models = Listening(json.loads(SERVED))

    with pytest.raises(NotTheSame):
        await Shadowing.of("classify", assembled).answer(replace(question, **change), STUDENT, Catalogue(()), models)

    assert models.asked == []
