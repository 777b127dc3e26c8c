"""Answers that students give beside a reply: the jobs that ask for them, what they are asked, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.begun import Begun
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.storable import storable
from pharmacy.storage.tables import conversations, model_calls, outcomes, patients, runs, shadow_answers

JOB = "shadow"
"""The name of the job that asks a student beside a reply, and of its queue: no reply waits in it."""

_REPLIED = ("suggestion", "auto_sent")


@dataclass(frozen=True)
class Drawn:
    """A student that is to be asked beside a run."""

    node: str
    student: str
    """As `provider:name`."""

    share: float
    """With what probability its conversation was drawn, above 0 and up to 1."""

    serving_seq: int
    """Of the decision that it was drawn under; 0 is what the file says."""


@dataclass(frozen=True)
class Question:
    """What the node was asked first in a run, and the answer that served."""

    run_id: UUID
    node: str
    conversation_id: str
    patient_id: str
    version: int
    """The conversation's, as the run read it."""

    blanks: Mapping[str, str]
    prompt_fingerprint: str
    output: str
    model: str
    """Who gave that answer, as `provider:name`."""

    is_last: bool
    """Whether the node was asked no second time in the run."""

    replied: bool
    """Whether the run came to a reply, and not to a person."""

    judged_by: str | None
    """The model that marked the run's drafts; None where none was marked."""


@dataclass(frozen=True)
class ShadowAnswer:
    """What the student made of it."""

    output: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    """Measure to 0 or 1; empty where nobody could be asked."""

    said: Mapping[str, Any] = field(default_factory=dict)
    beside_scores: Mapping[str, float] = field(default_factory=dict)
    """Of the answer that served."""

    model_served: str | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    """None where a price is unknown; likewise `judging_usd`."""

    judging_usd: float | None = None
    seconds: float = 0.0
    error: str | None = None


@dataclass(frozen=True)
class Scored:
    """The scores of one answer, and of the one that served in its place."""

    conversation_id: str
    scores: Mapping[str, float]
    beside_scores: Mapping[str, float]


async def want(tx: AsyncConnection, jobs: Jobs, begun: Begun, drawn: Sequence[Drawn]) -> None:
    """Have students asked beside a run, some time after the caller's transaction is committed."""
    for each in drawn:
        told = {"pharmacy_id": begun.pharmacy_id, "conversation_id": begun.conversation_id,
                "run_id": str(begun.id), "node": each.node, "student": each.student, "share": each.share,
                "serving_seq": each.serving_seq}  # fmt: skip
        await jobs.enqueue(tx, JOB, lock=f"{JOB}:{begun.id}:{each.node}", arguments=told, priority=-1)


async def question(tx: AsyncConnection, pharmacy_id: str, run_id: UUID, drawn: Drawn) -> Question | None:
    """Return what `drawn` is to be asked.

    None where it is not to be asked (any more): the patient is gone or does not agree to training, the words were
    withdrawn, it has answered, or the node was never answered in the run.
    """
    known = await _known(tx, pharmacy_id, run_id)
    mine = (model_calls.c.pharmacy_id == pharmacy_id, model_calls.c.run_id == run_id)
    calls = (await tx.execute(select(model_calls).where(*mine).order_by(model_calls.c.seq))).all()
    asked = [call for call in calls if call.node == drawn.node]
    answers = [call for call in asked if call.error is None]
    there = (shadow_answers.c.pharmacy_id == pharmacy_id, shadow_answers.c.run_id == run_id,
             shadow_answers.c.node == drawn.node)  # fmt: skip
    is_there = (await tx.execute(select(shadow_answers.c.node).where(*there))).one_or_none() is not None
    by_itself = any(call.model_asked == drawn.student for call in asked)
    if known is None or not known.consents or is_there or by_itself or not answers:
        return None
    first = answers[0]
    if first.output is None or not first.blanks:
        return None
    judging = [call.model_asked for call in calls if call.node == "judge" and call.error is None]
    return Question(
        run_id, drawn.node, known.conversation_id, known.patient_id, known.version, first.blanks,
        first.prompt_fingerprint, first.output, first.model_asked, len(answers) == 1, known.kind in _REPLIED,
        judging[0] if judging else None,
    )  # fmt: skip


async def keep(tx: AsyncConnection, pharmacy_id: str, of: Question, drawn: Drawn, answer: ShadowAnswer) -> bool:
    """Keep an answer, once; say whether it was kept, and not let go with its patient, their words or their consent."""
    # Held, the conversation first: no erasure, withdrawal or change of mind comes between this look and the commit.
    of_conversation = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == of.conversation_id)
    held = select(conversations.c.withdrawn_version).where(*of_conversation).with_for_update(read=True)
    conversation = (await tx.execute(held)).one_or_none()
    of_patient = (patients.c.pharmacy_id == pharmacy_id, patients.c.id == of.patient_id)
    consents = select(patients.c.profile["consent"]["training"].astext).where(*of_patient).with_for_update(read=True)
    agreed = (await tx.execute(consents)).scalar_one_or_none() == "true"
    if conversation is None or conversation.withdrawn_version > of.version or not agreed:
        return False
    row = {name: getattr(answer, name) for name in ShadowAnswer.__dataclass_fields__}
    row |= {name: dict(row[name]) for name in ("scores", "said", "beside_scores")}
    whose = {"run_id": of.run_id, "node": of.node, "conversation_id": of.conversation_id, "version": of.version,
             "patient_id": of.patient_id, "serving_seq": drawn.serving_seq, "model_asked": drawn.student,
             "beside": of.model, "share": drawn.share}  # fmt: skip
    values = storable(row) | whose | {"pharmacy_id": pharmacy_id}
    written = insert(shadow_answers).values(**values).on_conflict_do_nothing().returning(shadow_answers.c.node)
    return (await tx.execute(written)).one_or_none() is not None


async def scored(tx: AsyncConnection, pharmacy_id: str, node: str, student: str, since_seq: int) -> list[Scored]:
    """Return every answer that could be scored, the oldest first.

    Args:
        since_seq: of the first decision that counts.
    """
    mine = (shadow_answers.c.pharmacy_id == pharmacy_id, shadow_answers.c.node == node,
            shadow_answers.c.model_asked == student, shadow_answers.c.serving_seq >= since_seq,
            shadow_answers.c.scores != {})  # fmt: skip
    found = select(shadow_answers.c.conversation_id, shadow_answers.c.scores, shadow_answers.c.beside_scores)
    rows = await tx.execute(found.where(*mine).order_by(shadow_answers.c.at, shadow_answers.c.run_id))
    return [Scored(row.conversation_id, row.scores, row.beside_scores) for row in rows]


async def _known(tx: AsyncConnection, pharmacy_id: str, run_id: UUID) -> Any:
    of = (conversations.c.pharmacy_id == runs.c.pharmacy_id) & (conversations.c.id == runs.c.conversation_id)
    whose = (patients.c.pharmacy_id == runs.c.pharmacy_id) & (patients.c.id == conversations.c.patient_id)
    came_to = (outcomes.c.pharmacy_id == runs.c.pharmacy_id) & (outcomes.c.run_id == runs.c.id)
    consents = (patients.c.profile["consent"]["training"].astext == "true").label("consents")
    found = select(runs.c.conversation_id, runs.c.version, conversations.c.patient_id, consents, outcomes.c.kind)
    found = found.select_from(runs.join(conversations, of).join(patients, whose).outerjoin(outcomes, came_to))
    where = (runs.c.pharmacy_id == pharmacy_id, runs.c.id == run_id)
    return (await tx.execute(found.where(*where).limit(1))).one_or_none()
