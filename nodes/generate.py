"""Step 5: write a reply from the given facts; every category's generator is this with its own prompt and model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from nodes.classify import Compose
from pharmacy.domain.conversation import Transcript
from pharmacy.domain.errors import FactUnknown, ReplyUnreadable
from pharmacy.domain.facts import FactSheet
from pharmacy.domain.model import ChatModel
from pharmacy.domain.outcome import Draft


class WrittenReply(BaseModel):
    """A generator's answer."""

    model_config = ConfigDict(extra="forbid")

    missing_facts: list[str] = Field(description="返信に必要なのに「不明」である事実のラベル。なければ空")
    reply: str = Field(description="患者への返信。必要な事実がないときは空文字")


@dataclass(frozen=True)
class Assignment:
    """What a generator is to write about."""

    transcript: Transcript
    category: str
    phase: str
    facts: FactSheet
    earlier: Sequence[Draft] = ()
    """The run's drafts so far, oldest first, each judged and found short."""

    instruction: str = ""
    """A pharmacist's wish for this draft, or empty."""


async def generate(assignment: Assignment, compose: Compose, model: ChatModel) -> Draft:
    """Return a draft that answers the patient's messages from the given facts alone.

    Raises:
        FactUnknown: the answer needs a fact that nobody has given.
        FlowError: no readable answer could be had.
    """
    answer = await model.answer(compose(_blanks(assignment)), WrittenReply)
    # Only labels that really stand as unknown count: a model may name a fact that it does have.
    missing = assignment.facts.unknown.intersection(answer.missing_facts)
    if missing:
        raise FactUnknown(f"generate_{assignment.category}: needs {sorted(missing)}, which nobody has given")
    if not answer.reply.strip():
        raise ReplyUnreadable(f"generate_{assignment.category}: empty reply, missing facts {answer.missing_facts!r}")
    return Draft(answer.reply.strip())


def _blanks(assignment: Assignment) -> dict[str, str]:
    last = assignment.earlier[-1].judgement if assignment.earlier else None
    return {
        "category": assignment.category,
        "phase": assignment.phase,
        "facts": assignment.facts.rendered(),
        "conversation": assignment.transcript.rendered(),
        "previous_drafts": json.dumps([draft.text for draft in assignment.earlier], ensure_ascii=False),
        "reasons": "\n".join(last.reasons) if last else "",
        "instruction": assignment.instruction,
    }
