"""A local student: a linear model over character n-grams that answers `classify` or `switch_phase` in the process."""

from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Literal, Self, get_args, get_origin

from pydantic import BaseModel

from pharmacy.domain.errors import ConfigError, ReplyUnreadable
from pharmacy.domain.model import Answer, Prompt
from pharmacy.models.local.linear_weights import LinearWeights, StudentCard
from pharmacy.models.local.opinion import MIXED, Opinion, category_opinion, phase_opinion
from pharmacy.models.local.student_fields import latest_exchange
from pharmacy.models.local.word_kinds import words_fingerprint

WEIGHTS = Path(__file__).parent / "weights"


class Student:
    """A `ChatModel` that reads only the prompt's blanks, and hands over what it is not sure of."""

    def __init__(self, weights: LinearWeights) -> None:
        """Serve `weights`.

        Raises:
            ConfigError: they were taught with other word kinds than the ones that would be read now.
        """
        taught, now = weights.card.words_fingerprint, words_fingerprint()
        if taught != now:
            raise ConfigError(
                f"local:{weights.card.node}: taught with word kinds {taught!r}, they are now {now!r}; run make students"
            )
        self.weights = weights
        self._answer = _ANSWERS[weights.card.node]

    @classmethod
    def load(cls, name: str) -> Self:
        """Return the shipped student of node `name`."""
        return cls(LinearWeights.load(WEIGHTS / f"{name}.npz"))

    @property
    def fingerprint(self) -> str:
        """12 hex digits over everything the student was taught."""
        return self.weights.fingerprint

    @property
    def card(self) -> StudentCard:
        """What is known of the student: labels, threshold, examples, figures."""
        return self.weights.card

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return the student's answer to `prompt`, read into `schema`.

        Raises:
            ReplyUnreadable: the pharmacy's categories or phases are not the ones the student was taught.
        """
        return schema.model_validate(self._answer(self, prompt, schema))


def _category(student: Student, prompt: Prompt, schema: type[BaseModel]) -> dict[str, str]:
    _refuse_foreign(student.card.labels, schema, "category")
    _, text = latest_exchange(prompt.blanks["conversation"])
    opinion, bar = category_opinion(student.weights, text), student.card.threshold
    # Danger is for the rules and for people: a student of word shapes has no say in it.
    if opinion.mixed:
        return {"safety": "clear", "category": MIXED, "reason": f"用件が二つ以上ある: {'、'.join(opinion.mixed)}"}
    if opinion.confidence < bar:
        reason = f"分類の確信度 {opinion.confidence:.2f} < {bar:.2f}"
        return {"safety": "clear", "category": MIXED, "reason": reason}
    return {"safety": "clear", "category": opinion.label, "reason": _because(opinion)}


def _phase(student: Student, prompt: Prompt, schema: type[BaseModel]) -> dict[str, str]:
    phase = prompt.blanks["phase"]
    if phase not in student.card.moves:
        taught = [*student.card.moves]
        raise ReplyUnreadable(f"local:switch_phase: phase {phase!r} is none of {taught}; train the student anew")
    _refuse_foreign(student.card.moves[phase], schema, "phase")
    opinion = phase_opinion(student.weights, phase, *latest_exchange(prompt.blanks["conversation"]))
    if opinion.label != phase and opinion.confidence < student.card.threshold:
        reason = f"{opinion.label} へ移る確信度 {opinion.confidence:.2f} < {student.card.threshold:.2f}"
        return {"phase": phase, "reason": reason}
    return {"phase": opinion.label, "reason": _because(opinion)}


_ANSWERS: Mapping[str, Callable[[Student, Prompt, type[BaseModel]], dict[str, str]]] = {
    "classify": _category,
    "switch_phase": _phase,
}


def _because(opinion: Opinion) -> str:
    return f"言葉の並びから {opinion.label} と判断した(確信度 {opinion.confidence:.2f})"


def _refuse_foreign(labels: tuple[str, ...], schema: type[BaseModel], field: str) -> None:
    """Refuse a schema that lacks one of the student's labels: it would have to answer in words it was never taught."""
    allowed = _values(schema.model_fields[field].annotation)
    missing = [label for label in labels if label not in allowed]
    if missing:
        raise ReplyUnreadable(f"local student: {missing} are none of {sorted(allowed)}; train the student anew")


def _values(annotation: object) -> frozenset[str]:
    if get_origin(annotation) is Literal:
        return frozenset(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return frozenset(member.value for member in annotation)
    return frozenset()
