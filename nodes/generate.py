"""Step 5: write a reply from the given facts; every category's generator is this with its own prompt and model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from nodes.classify import Compose
from pharmacy.domain.conversation import Transcript
from pharmacy.domain.errors import FactUnknown, ReplyUnreadable
from pharmacy.domain.facts import FactSheet
from pharmacy.domain.model import ChatModel, Prompt
from pharmacy.domain.outcome import Draft

BLANKS = frozenset({"category", "phase", "facts", "conversation", "previous_drafts", "reasons", "instruction"})
"""What every generator fills its frame with."""


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
    """Drafts that were turned down, by the judge in this run or by a pharmacist before it; oldest first."""

    instruction: str = ""
    """A pharmacist's wish for this draft, or empty."""


async def generate(assignment: Assignment, compose: Compose, model: ChatModel) -> Draft:
    """Return a draft that answers the patient's messages from the given facts alone.

    Raises:
        FactUnknown: the answer needs a fact that nobody has given.
        FlowError: no readable answer could be had.
    """
    return draft_of(await model.answer(prompt_of(assignment, compose), WrittenReply), assignment)


def prompt_of(assignment: Assignment, compose: Compose) -> Prompt:
    """Return what a generator is asked for `assignment`."""
    return compose(_blanks(assignment))


def draft_of(answer: WrittenReply, assignment: Assignment) -> Draft:
    """Return the draft that `answer` holds.

    Raises:
        FactUnknown: it needs a fact that nobody has given.
        ReplyUnreadable: it is empty, and no fact is missing.
    """
    reply = answer.reply.strip()
    if missing := _missing(answer, assignment.facts):
        raise FactUnknown(f"generate_{assignment.category}: needs {missing}, which nobody has given")
    if not reply:
        raise ReplyUnreadable(f"generate_{assignment.category}: empty reply; expected one, or a missing fact")
    return Draft(reply)


def _missing(answer: WrittenReply, facts: FactSheet) -> list[str]:
    """A model may name a fact that it does have, or, beside a reply, one that nobody listed; neither is missing."""
    given = {fact.label for fact in facts.facts} - facts.unknown
    counted = facts.unknown if answer.reply.strip() else {*answer.missing_facts} - given
    return sorted(counted.intersection(answer.missing_facts))


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
