"""Have a student answer beside past replies through the provider's Batch API: a day at a time, once the day is over."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from uuid import UUID

from distillation.shadowing import NotTheSame, Shadowing
from evaluation.answering import NotAnswered, TrialModels
from evaluation.batching import BatchesAt, in_batches
from evaluation.candidates import Candidate
from graph.assemble import Assembled
from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.serving import drawn
from pharmacy.storage import servings, shadows
from pharmacy.storage.database import Database
from pharmacy.storage.shadows import Drawn, Question, ShadowAnswer
from pharmacy.storage.shadows_waiting import waiting

MOST_DAYS = 30
"""How far back: longer than records of calls may be kept at the least."""


@dataclass(frozen=True)
class Scoring:
    """Whose student is asked, and by whose models its texts are marked."""

    database: Database
    pharmacy_id: str
    assembled: Assembled
    catalogue: Catalogue
    at: BatchesAt
    models: Callable[[], TrialModels]


@dataclass
class Scored:
    """What came of it."""

    kept: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """Why answers are on record without scores, such as `reply_unreadable`; they are in `kept`."""

    left: Counter[str] = field(default_factory=Counter)
    """Why runs were not asked beside; the same call asks only them again."""

    cost_usd: float | None = 0.0
    """At the price of a batch; None where a price is unknown."""


async def score(scoring: Scoring, node: str, now: datetime) -> Scored:
    """Ask the node's student beside each drawn run of the days that are over, and keep what it says.

    A day's questions no longer change, so cut off, the same call finds that day's batch again and pays for it once.

    Raises:
        ConfigError: no student of the node answers beside replies.
        BatchRefused: a batch was not taken, or its provider cannot be reached.
    """
    drawing, since = await _drawing(scoring, node)
    until = _today(now)
    async with scoring.database.begin(scoring.pharmacy_id) as tx:
        every = await waiting(tx, scoring.pharmacy_id, node, max(since, until - timedelta(days=MOST_DAYS)), until)
    mine = [each for each in every
            if drawn(f"{scoring.pharmacy_id}/{each.conversation_id}", node, "shadow") < drawing.share]  # fmt: skip
    found = Scored()
    for _, runs in groupby(mine, key=lambda each: each.day):
        await _of_day(scoring, drawing, [each.run_id for each in runs], found)
    return found


async def _drawing(scoring: Scoring, node: str) -> tuple[Drawn, datetime]:
    registry = scoring.assembled.registry
    async with scoring.database.begin(scoring.pharmacy_id) as tx:
        decided = (await servings.decided(tx, scoring.pharmacy_id)).get(node)
    serving = registry.serving(node, decided.serving if decided else None)
    student = serving.student or registry.student_of(node)
    if student is None or not serving.shadow_share:
        raise ConfigError(f"{node}: no student answers beside its replies; expected one: kakari promote {node}")
    begins = decided.at if decided else datetime.min.replace(tzinfo=UTC)
    return Drawn(node, student, serving.shadow_share, decided.seq if decided else 0), begins


async def _of_day(scoring: Scoring, drawing: Drawn, runs: Sequence[UUID], found: Scored) -> None:
    shadowing, candidate = Shadowing.of(drawing.node, scoring.assembled), Candidate(drawing.student)
    asked: dict[int, Question] = {}
    for place, run_id in enumerate(runs):
        async with scoring.database.begin(scoring.pharmacy_id) as tx:
            if (question := await shadows.question(tx, scoring.pharmacy_id, run_id, drawing)) is not None:
                asked[place] = question
    cases = {}
    for place, question in asked.items():
        try:
            cases[place] = shadowing.case(question, candidate, place)
        except NotTheSame as error:
            await _keep(scoring, question, drawing, ShadowAnswer(error=error.code), found)
    batched = await in_batches(shadowing.questions, [*cases.values()], [candidate], scoring.at)
    for place in cases:
        try:
            answer = await replace(shadowing, batched=batched).answer(
                asked[place], drawing.student, scoring.catalogue, scoring.models(), place
            )
        except NotAnswered as error:
            found.left[error.cause.code] += 1
            continue
        await _keep(scoring, asked[place], drawing, answer, found)


async def _keep(scoring: Scoring, of: Question, drawing: Drawn, answer: ShadowAnswer, found: Scored) -> None:
    kept = await scoring.database.transact(
        lambda tx: shadows.keep(tx, scoring.pharmacy_id, of, drawing, answer), scoring.pharmacy_id
    )
    if not kept:
        return
    found.kept += 1
    if answer.error is not None:
        found.failed[answer.error] += 1
    costs = (found.cost_usd, answer.cost_usd if answer.model_served or answer.prompt_tokens else 0.0)
    found.cost_usd = None if None in costs else sum(cost or 0.0 for cost in costs)


def _today(now: datetime) -> datetime:
    """Return when the day began in Japan."""
    japan = now.astimezone(UTC) + timedelta(hours=9)
    return japan.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=9)
