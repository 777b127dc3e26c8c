"""A stand-in for a language model: it answers what it was told to, in order, and remembers what it was asked."""

import json
from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel

from pharmacy.domain.model import Answer, Prompt
from pharmacy.models.reading import read_answer


class ScriptedModel:
    """A `ChatModel` whose answers a test writes.

    A str is the raw answer and is read as strictly as a real one; a mapping is written as JSON first; a pydantic value
    is handed over as it is; an exception is raised.
    """

    def __init__(self, *answers: str | Mapping[str, object] | BaseModel | BaseException) -> None:
        self._answers = [*answers]
        self.prompts: list[Prompt] = []
        """What was asked, oldest first."""

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return the next answer, read into `schema`.

        Raises:
            FlowError: the answer is none of the asked form, or it is that error.
            AssertionError: more was asked than the test wrote answers for.
        """
        self.prompts.append(prompt)
        if not self._answers:
            raise AssertionError(f"asked {len(self.prompts)} times; only {len(self.prompts) - 1} answers are written")
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, BaseModel):
            return cast("Answer", answer)
        return read_answer(answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False), schema)
