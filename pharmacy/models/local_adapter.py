"""A model that runs in the process, as one more that can be tried: it costs nothing and is never retried."""

from pydantic import BaseModel

from pharmacy.domain.errors import FlowError
from pharmacy.domain.model import ChatModel, Early, Prompt
from pharmacy.models.breaker import Breaker
from pharmacy.models.model_name import ModelRef
from pharmacy.models.tried import Failure, Tried
from pharmacy.models.usage import Usage, UsageBounds


class LocalModel:
    """A `Target` that needs no provider."""

    def __init__(self, ref: ModelRef, model: ChatModel, timeout_seconds: float) -> None:
        self.ref = ref
        self.breaker: Breaker | None = None
        self.timeout_seconds = timeout_seconds
        self._model = model

    def bounds(self, prompt: Prompt, schema: type[BaseModel]) -> UsageBounds:  # noqa: ARG002  # the protocol's
        """Return nothing: no token is billed."""
        return UsageBounds(0, 0, 0)

    async def ask(self, prompt: Prompt, schema: type[BaseModel], early: Early | None = None) -> Tried:  # noqa: ARG002
        """Return the local answer, which comes whole."""
        try:
            answer = await self._model.answer(prompt, schema)
        except FlowError as error:
            return Tried(Usage(), str(self.ref), failure=Failure(error))
        return Tried(Usage(), str(self.ref), answer.model_dump_json(), answer)
