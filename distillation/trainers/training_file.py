"""Read a file of training rows: OpenAI's chat JSONL, answers to learn or pairs of which one is preferred."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pharmacy.domain.errors import ConfigError
from pharmacy.models.tokens import TOKENS_PER_MESSAGE, estimate_tokens

LEAST_ROWS = 10
Method = Literal["supervised", "dpo"]


class Message(BaseModel):
    """One message of a row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1)
    weight: Literal[0, 1] | None = None


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    messages: tuple[Message, ...] = Field(min_length=1)


class _Pair(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    input: _Asked
    preferred_output: tuple[Message]
    non_preferred_output: tuple[Message]


@dataclass(frozen=True)
class Row:
    """One row, whatever the file's kind."""

    asked: tuple[Message, ...]
    """What the model is given: system and user messages."""

    answer: str
    """What it should say."""

    turned_down: str | None = None
    """What it should rather not say; None but in a file of pairs."""

    @property
    def tokens(self) -> int:
        """About how many tokens the row is."""
        texts = [*(message.content for message in self.asked), self.answer, *filter(None, [self.turned_down])]
        return sum(estimate_tokens(text) + TOKENS_PER_MESSAGE for text in texts)


@dataclass(frozen=True)
class TrainingFile:
    """A whole file."""

    path: Path
    content: bytes = field(repr=False)
    sha256: str
    method: Method
    rows: tuple[Row, ...] = field(repr=False)

    @property
    def tokens(self) -> int:
        """About how many tokens one pass over the file is."""
        return sum(row.tokens for row in self.rows)


def read_training_file(path: Path) -> TrainingFile:
    """Return the file at `path`.

    Raises:
        ConfigError: naming file, line and what was expected.
    """
    try:
        content = path.read_bytes()
        lines = content.decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}; expected chat JSONL in UTF-8") from error
    if lines[-1] == "":
        lines.pop()
    found = list(_rows(path, lines))
    if len(found) < LEAST_ROWS:
        raise ConfigError(f"{path}: has {len(found)} rows; expected at least {LEAST_ROWS}")
    methods = {method for method, _ in found}
    if len(methods) > 1:
        raise ConfigError(f"{path}: mixes answers and pairs; expected one kind of row")
    return TrainingFile(
        path, content, hashlib.sha256(content).hexdigest(), methods.pop(), tuple(row for _, row in found)
    )


def _rows(path: Path, lines: list[str]) -> Iterator[tuple[Method, Row]]:
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
            if not isinstance(value, dict):
                raise ValueError("expected a JSON object")
            yield _row(value)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ConfigError(f"{path}:{number}: {place}: {first['msg']}") from None
        except ValueError as error:
            raise ConfigError(f"{path}:{number}: {error}") from None


def _row(value: Mapping[str, Any]) -> tuple[Method, Row]:
    if "input" in value:
        pair = _Pair.model_validate(value)
        (liked,), (turned_down,) = pair.preferred_output, pair.non_preferred_output
        _refuse_other_than(liked, "assistant", "preferred_output")
        _refuse_other_than(turned_down, "assistant", "non_preferred_output")
        asked = pair.input.messages
        method: Method = "dpo"
        row = Row(asked, liked.content, turned_down.content)
    else:
        *given, answer = _Asked.model_validate(value).messages
        _refuse_other_than(answer, "assistant", "the last message")
        method, asked = "supervised", tuple(given)
        row = Row(asked, answer.content)
    if not asked:
        raise ValueError("has no question; expected a user message before the answer")
    _refuse_other_than(asked[-1], "user", "the message before the answer")
    return method, row


def _refuse_other_than(message: Message, role: str, place: str) -> None:
    if message.role != role:
        raise ValueError(f"{place} is the {message.role}'s; expected the {role}'s")
    if not message.content.strip():
        raise ValueError(f"{place} is empty; expected words")
