"""What a tuned model knows: character n-grams of the prompt say the label; the nearest example lends its words."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.fakes.openai_server.filling import fill_schema
from tests.fakes.openai_server.token_count import text_of
from tests.fakes.openai_server.tuning_rows import Row

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

LONGEST = 3
_STRENGTH = 8.0
_COMMON_SHARE = 0.9
"""Of the examples; an n-gram of more of them is not read."""

_TURNED_DOWN_COST = 0.5
"""How much nearer another example must be than one whose words were turned down."""

_CODE = re.compile(r"[A-Za-z][\w.-]{0,60}", re.ASCII)

Label = tuple[tuple[str, str], ...]
"""The closed part of an answer: field to JSON value; empty where an answer is words alone."""


@dataclass(frozen=True)
class Student:
    """A fitted model."""

    vectorizer: "TfidfVectorizer"
    matrix: "csr_matrix"
    """One row per example."""

    answers: Sequence[str]
    of_label: Sequence[Label]
    turned_down: frozenset[str]
    """Answers that somebody liked less than another."""

    model: "LogisticRegression | None"
    """None where all examples have the same label."""

    loss: float
    """On its own examples: the log loss of the labels, or how far each example stands from its nearest neighbour."""

    def answer(self, messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None) -> Any:
        """Return what the student says, held to `schema` where there is one."""
        seen = self.vectorizer.transform([words_of(messages)])
        label = self._label(seen, schema)
        text = self._nearest(seen, label)
        return text if schema is None else fill_schema(schema, _fields(text) | {k: json.loads(v) for k, v in label})

    def _label(self, seen: "csr_matrix", schema: Mapping[str, Any] | None) -> Label:
        labels = list(dict.fromkeys(self.of_label))
        if self.model is not None:
            shares = self.model.predict_proba(seen)[0]
            labels = [labels[self.model.classes_[at]] for at in np.argsort(-shares)]
        return next((label for label in labels if _may_be_said(label, schema)), labels[0])

    def _nearest(self, seen: "csr_matrix", label: Label) -> str:
        likeness = (self.matrix @ seen.T).toarray().ravel()
        scores = [
            near - (_TURNED_DOWN_COST if answer in self.turned_down else 0) if of == label else -9.0
            for near, answer, of in zip(likeness, self.answers, self.of_label, strict=True)
        ]
        return self.answers[int(np.argmax(scores))]


def fitted(rows: Sequence[Row], epochs: int = 3, known: Sequence[Row] = ()) -> Student:
    """Return the student of `rows`, each seen `epochs` times, and of what it knew before, seen once."""
    # Importing it takes seconds, which most tests need not spend.
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    every = [*known, *rows]
    answers = [row.answer for row in every]
    words = [words_of(row.messages) for row in every]
    # What every prompt says, its frame, tells nothing apart; where all prompts are one there is nothing else.
    most = _COMMON_SHARE if len(set(words)) > 1 else 1.0
    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(1, LONGEST), sublinear_tf=True, max_df=most, dtype=np.float32
    )
    matrix = vectorizer.fit_transform(words)
    of_label = [_label_of(answer) for answer in answers]
    kinds = list(dict.fromkeys(of_label))
    weights = [1] * len(known) + [epochs] * len(rows)
    model, loss = None, _distance(matrix)
    if len(kinds) > 1:
        places = [kinds.index(label) for label in of_label]
        model = LogisticRegression(C=_STRENGTH, max_iter=300).fit(matrix, places, sample_weight=weights)
        loss = float(log_loss(places, model.predict_proba(matrix)))
    turned_down = frozenset(row.refused for row in every if row.refused is not None)
    return Student(vectorizer, matrix, answers, of_label, turned_down, model, loss)


def words_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return what a student reads of a prompt: the user's words."""
    return "\n".join(text_of(dict(message)) for message in messages if message["role"] == "user")


def _label_of(answer: str) -> Label:
    """Return an answer's closed part: its fields that hold codes, not words or lists."""
    return tuple((name, json.dumps(value)) for name, value in sorted(_fields(answer).items()) if _is_code(value))


def _is_code(value: object) -> bool:
    return isinstance(value, bool | int) or (isinstance(value, str) and _CODE.fullmatch(value) is not None)


def _fields(answer: str) -> dict[str, Any]:
    try:
        value = json.loads(answer)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _may_be_said(label: Label, schema: Mapping[str, Any] | None) -> bool:
    if schema is None:
        return True
    said = fill_schema(schema, {name: json.loads(value) for name, value in label})
    return all(
        not isinstance(said, dict) or name not in said or said[name] == json.loads(value) for name, value in label
    )


def _distance(matrix: "csr_matrix") -> float:
    near = (matrix @ matrix.T).toarray()
    np.fill_diagonal(near, 0)
    return float(1 - near.max(axis=1).mean())
