"""Step 3a: name what the patient's messages are about."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from pharmacy.domain.conversation import Transcript
from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.model import ChatModel, Prompt

Compose = Callable[[Mapping[str, str]], Prompt]
"""Fills a node's prompt with what changes from message to message."""

BLANKS = frozenset({"conversation"})
"""What `classify` fills its frame with."""


def closed_list(names: Iterable[str]) -> Any:
    """Return the type that holds one of `names` and nothing else."""
    return Literal[tuple(names)]


class Safety(StrEnum):
    """What the classifier thinks of the danger; it can add a gate, never lift one."""

    CLEAR = "clear"
    HUMAN = "human"
    URGENT = "urgent"
    EMERGENCY = "emergency"

    @property
    def tier(self) -> Tier | None:
        """The tier this class adds, or None."""
        return {Safety.HUMAN: Tier.H, Safety.URGENT: Tier.U, Safety.EMERGENCY: Tier.E}.get(self)


@dataclass(frozen=True)
class Classification:
    """What the conversation is about."""

    safety: Safety
    category: str
    reason: str


def classification_schema(flow: Flow) -> type[BaseModel]:
    """Return the answer's schema: `flow`'s categories as a closed list, the deciding fields first."""
    return create_model(
        "Classification",
        __config__=ConfigDict(extra="forbid"),
        safety=(Safety, Field(description="患者の安全についての判断")),
        category=(closed_list(flow.categories), Field(description="会話のカテゴリ")),
        reason=(str, Field(description="そう判断した理由を一文で")),
    )


async def classify(
    transcript: Transcript, compose: Compose, schema: type[BaseModel], model: ChatModel
) -> Classification:
    """Return what the conversation is about, as `model` names it, with its safety class.

    Raises:
        FlowError: no readable answer, or a category that nobody defined.
    """
    answer = await model.answer(compose({"conversation": transcript.rendered()}), schema)
    return Classification(**dict(answer))
