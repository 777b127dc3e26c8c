"""Redact what is to be learnt, question and answer under the same pseudonyms; what is read as JSON stays JSON."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from nodes.judge import quoted
from pharmacy.domain.conversation import Transcript, Turn, read_lines
from pharmacy.redaction.redact import Redactor

_NAMES_OF_THE_FLOW = frozenset({"phase", "category", "allowed", "criteria"})
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
NOT_WORDS = frozenset({"safety", "category", "phase", "mark"})
"""Fields of answers that hold a word of a closed list."""


class ConversationRedaction:
    """One conversation under pseudonyms of its own: read everything first, for a name may be said late."""

    def __init__(self, redactor: Redactor, names: Iterable[str]) -> None:
        self._redaction = redactor.conversation(names)

    def learn(self, blanks: Mapping[str, str], answers: Iterable[Mapping[str, Any] | None]) -> None:
        """Read for names and numbers what will be redacted later."""
        self.blanks(blanks)
        for answer in answers:
            self.answer(answer)

    def blanks(self, blanks: Mapping[str, str]) -> dict[str, str]:
        """Return the blanks of a prompt, redacted.

        Raises:
            ValueError: one of them is not of the form that its node writes.
        """
        return {name: self._blank(name, value) for name, value in blanks.items()}

    def answer(self, answer: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return a node's answer, redacted."""
        return None if answer is None else {name: self._field(name, value) for name, value in answer.items()}

    def _blank(self, name: str, value: str) -> str:
        if name in _NAMES_OF_THE_FLOW:
            return value
        of: dict[str, Callable[[str], str]] = {
            "conversation": self._conversation, "draft": self._draft, "previous_drafts": self._drafts
        }  # fmt: skip
        return of.get(name, self._redaction.text)(value)

    def _conversation(self, rendered: str) -> str:
        turns = (Turn(author, self._redaction.text(text), _NEVER) for author, text in read_lines(rendered))
        return Transcript(tuple(turns)).rendered()

    def _draft(self, value: str) -> str:
        return quoted(self._redaction.text(str(json.loads(value))))

    def _drafts(self, value: str) -> str:
        return json.dumps([self._redaction.text(str(draft)) for draft in json.loads(value)], ensure_ascii=False)

    def _field(self, name: str, value: Any) -> Any:
        if name in NOT_WORDS:
            return value
        if isinstance(value, Mapping):
            return {key: self._field(key, each) for key, each in value.items()}
        return self._redaction.value(value)
