"""What the stand-in answers: a queue of scripted answers, then a rule; and which requests a fault befalls."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.openai_server.faults import Fault
from tests.fakes.openai_server.filling import REPLY, fill_schema
from tests.fakes.openai_server.student import Student
from tests.fakes.openai_server.token_count import text_of


@dataclass(frozen=True)
class Asked:
    """A chat completion request as a rule sees it."""

    number: int
    """1 for the first chat completion this stand-in was asked for."""

    body: Mapping[str, Any]

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.body.get("model", ""))

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The JSON schema of the answer, if one was given."""
        described = self._described
        return described.get("schema") if described else None

    @property
    def schema_name(self) -> str | None:
        """The name of the answer's schema."""
        return self._described.get("name") if self._described else None

    @property
    def system(self) -> str:
        """The system message's words."""
        return self._words("system")

    @property
    def user(self) -> str:
        """The user message's words."""
        return self._words("user")

    @property
    def _described(self) -> Mapping[str, Any] | None:
        wanted = self.body.get("response_format")
        return wanted.get("json_schema") if isinstance(wanted, dict) else None

    def _words(self, role: str) -> str:
        return "\n".join(text_of(m) for m in self.body.get("messages", []) if m.get("role") == role)


Rule = Callable[[Asked], Any]
"""Returns an answer: a str is the raw content, anything else is written as JSON."""


@dataclass
class _Match:
    model: str | None
    schema: str | None
    nth: int | None
    path: str | None = None

    def takes(self, asked: Asked) -> bool:
        return (
            self.path is None
            and self.model in (None, asked.model)
            and self.schema in (None, asked.schema_name)
            and self.nth in (None, asked.number)
        )


@dataclass
class Script:
    """Answers and faults to come. Safe to change from another thread while the stand-in runs."""

    hints: dict[str, Any] = field(default_factory=dict)
    """Property name to the value that the default rule prefers for it."""

    rule: Rule | None = None
    _answers: list[tuple[_Match, Any]] = field(default_factory=list)
    _faults: list[tuple[_Match, Fault, list[int | None]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(
        self, *answers: Any, model: str | None = None, schema: str | None = None, nth: int | None = None
    ) -> None:
        """Queue answers; each is used once, by the first request that fits."""
        with self._lock:
            self._answers += [(_Match(model, schema, nth), answer) for answer in answers]

    def fail(
        self,
        fault: Fault,
        *,
        times: int | None = 1,
        model: str | None = None,
        schema: str | None = None,
        nth: int | None = None,
        path: str | None = None,
    ) -> None:
        """Let `fault` befall the next `times` requests that fit; None is for ever.

        Args:
            path: method and beginning of the path, as in `POST /v1/fine_tuning/jobs`; without it the fault is one of
                chat completions.
        """
        with self._lock:
            self._faults.append((_Match(model, schema, nth, path), fault, [times]))

    def heal(self) -> None:
        """Forget all faults still to come."""
        with self._lock:
            self._faults.clear()

    def take_fault(self, asked: Asked) -> Fault | None:
        """Return the fault that befalls this request, if any."""
        with self._lock:
            for match, fault, left in self._faults:
                if match.takes(asked) and left[0] != 0:
                    left[0] = None if left[0] is None else left[0] - 1
                    return fault
        return None

    def take_fault_at(self, place: str) -> Fault | None:
        """Return the fault that befalls this request, if any, by its method and path."""
        with self._lock:
            for match, fault, left in self._faults:
                if match.path is not None and place.startswith(match.path) and left[0] != 0:
                    left[0] = None if left[0] is None else left[0] - 1
                    return fault
        return None

    def take_answer(self, asked: Asked, student: Student | None = None) -> str:
        """Return the content of the answer to this request: what was queued, else the student's, else the rule's."""
        answer = self._next(asked, student)
        return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)

    def _next(self, asked: Asked, student: Student | None) -> Any:
        with self._lock:
            for at, (match, answer) in enumerate(self._answers):
                if match.takes(asked):
                    del self._answers[at]
                    return answer
        if student is not None:
            return student.answer(asked.body["messages"], asked.schema)
        if self.rule is not None:
            return self.rule(asked)
        return REPLY if asked.schema is None else fill_schema(asked.schema, self.hints)
