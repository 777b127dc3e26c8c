"""Keep evaluations: each answer once it is there, the figures once all are; what was cut off is gone on with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit
from pharmacy.storage.dataset_turns import take_turn
from pharmacy.storage.refusals import NotHere
from pharmacy.storage.tables import dataset_rows, evaluation_answers, evaluations


@dataclass(frozen=True)
class Evaluation:
    """One evaluation, without its answers."""

    id: UUID
    key: str
    node: str
    version: str
    """Of the dataset whose rows were asked."""

    asked: Mapping[str, Any]
    """Split, candidates, judge, prompt fingerprints."""

    figures: Mapping[str, Any] | None
    """None until every answer is there."""

    begun_by: str
    at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class AnswerRow:
    """What one candidate made of one row."""

    candidate: str
    place: int
    """Of the row in its dataset."""

    patient_id: str
    conversation_id: str
    output: str | None
    """As the model wrote it; None where no readable answer came."""

    scores: Mapping[str, float]
    """Measure to 0 or 1; a measure that says nothing of this row is not there."""

    said: Mapping[str, Any] = field(default_factory=dict)
    """The label given, or the judge's marks and reasons."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    """None where a price is unknown."""

    judging_usd: float | None = None
    seconds: float = 0.0
    error: str | None = None


async def begin(
    tx: AsyncConnection, pharmacy_id: str, actor: str, *, key: str, node: str, version: str, asked: Mapping[str, Any],
    again: bool = False,
) -> Evaluation:  # fmt: skip
    """Return the evaluation of `key`: the newest that there is, whole or cut off, or a new one.

    Args:
        again: ask anew where the newest is whole.
    """
    mine = (evaluations.c.pharmacy_id == pharmacy_id, evaluations.c.key == key)
    row = (await tx.execute(select(evaluations).where(*mine).order_by(evaluations.c.at.desc()).limit(1))).one_or_none()
    if row is not None and (row.figures is None or not again):
        return _read(row)
    values = {"id": uuid4(), "key": key, "node": node, "version": version, "asked": dict(asked), "begun_by": actor}
    made = await tx.execute(insert(evaluations).values(pharmacy_id=pharmacy_id, **values).returning(evaluations))
    return _read(made.one())


async def keep(tx: AsyncConnection, pharmacy_id: str, of: Evaluation, answers: Sequence[AnswerRow]) -> None:
    """Keep answers; one to a row that has left its dataset meanwhile is let go, one that is there stays as it was."""
    if not answers:
        return
    await take_turn(tx, pharmacy_id)
    places = [answer.place for answer in answers]
    there = frozenset((await tx.execute(_places(pharmacy_id, of.version, places))).scalars())
    scope = {"pharmacy_id": pharmacy_id, "evaluation_id": of.id, "version": of.version}
    rows = [scope | _values(answer) for answer in answers if answer.place in there]
    if rows:
        await tx.execute(insert(evaluation_answers).on_conflict_do_nothing(), rows)


async def answers_of(tx: AsyncConnection, pharmacy_id: str, evaluation_id: UUID) -> list[AnswerRow]:
    """Return the answers that are left, by candidate and row."""
    mine = (evaluation_answers.c.pharmacy_id == pharmacy_id, evaluation_answers.c.evaluation_id == evaluation_id)
    order = (evaluation_answers.c.candidate, evaluation_answers.c.place)
    found = await tx.execute(select(evaluation_answers).where(*mine).order_by(*order))
    return [AnswerRow(**{name: getattr(row, name) for name in AnswerRow.__annotations__}) for row in found]


async def end(
    tx: AsyncConnection, pharmacy_id: str, actor: str, of: Evaluation, figures: Mapping[str, Any]
) -> Evaluation:
    """Keep the figures of an evaluation that is over, and note it in the audit trail."""
    mine = (evaluations.c.pharmacy_id == pharmacy_id, evaluations.c.id == of.id, evaluations.c.figures.is_(None))
    values = {"figures": dict(figures), "ended_at": func.now()}
    ended = (await tx.execute(update(evaluations).where(*mine).values(**values).returning(evaluations))).one_or_none()
    if ended is None:  # somebody else ended the very same
        return await one(tx, pharmacy_id, str(of.id))
    said = {"node": of.node, "dataset": of.version, "models": list(of.asked.get("candidates", []))}
    await audit.append(tx, pharmacy_id, actor, "evaluated", str(of.id), said)
    return _read(ended)


async def one(tx: AsyncConnection, pharmacy_id: str, evaluation_id: str) -> Evaluation:
    """Return one evaluation.

    Raises:
        NotHere: this pharmacy has no such evaluation.
    """
    absent = NotHere(f"evaluation {evaluation_id!r}: there is none; `kakari evaluate --list` lists them")
    try:
        wanted = UUID(evaluation_id)
    except ValueError:
        raise absent from None
    mine = (evaluations.c.pharmacy_id == pharmacy_id, evaluations.c.id == wanted)
    row = (await tx.execute(select(evaluations).where(*mine))).one_or_none()
    if row is None:
        raise absent
    return _read(row)


async def ended(tx: AsyncConnection, pharmacy_id: str, node: str | None = None, limit: int = 100) -> list[Evaluation]:
    """Return the evaluations that are over, of one node or of all, the newest first."""
    mine = [evaluations.c.pharmacy_id == pharmacy_id, evaluations.c.figures.is_not(None)]
    mine += [evaluations.c.node == node] if node else []
    found = select(evaluations).where(*mine).order_by(evaluations.c.ended_at.desc(), evaluations.c.id).limit(limit)
    return [_read(row) for row in await tx.execute(found)]


def _places(pharmacy_id: str, version: str, places: Sequence[int]) -> Select[Any]:
    mine = (dataset_rows.c.pharmacy_id == pharmacy_id, dataset_rows.c.version == version)
    return select(dataset_rows.c.place).where(*mine, dataset_rows.c.place.in_(places))


def _values(answer: AnswerRow) -> dict[str, Any]:
    values = {name: getattr(answer, name) for name in AnswerRow.__annotations__}
    return values | {"scores": dict(answer.scores), "said": dict(answer.said)}


def _read(row: Any) -> Evaluation:
    return Evaluation(**{name: getattr(row, name) for name in Evaluation.__annotations__})
