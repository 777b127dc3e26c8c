"""How far a student has come in taking over: what it answered unused, what it served, and what the watch has seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from distillation.plan import Plan
from evaluation.clustered_mean import Estimate, estimate, falls_below, totals
from evaluation.grading import metric_of
from evaluation.paired import difference
from pharmacy.domain.serving import Serving
from pharmacy.storage import servings, shadows, watches
from pharmacy.storage.database import Transaction
from pharmacy.storage.servings import Decided
from pharmacy.storage.shadows import Scored
from pharmacy.storage.watches import Watched, WatchState

ACTOR = "watch"
"""Who decided, where the watch did."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when a student serves that the file names and nobody has decided on."""


@dataclass(frozen=True)
class Progress:
    """A student under way."""

    node: str
    serving: Serving
    """Who serves now."""

    since: datetime | None
    """Since when; None where nobody has decided and the file's word holds."""

    set_by: str | None
    shadow_cases: int = 0
    """Answers given unused and scored, by this student, since it was first let answer."""

    shadow: Mapping[str, Estimate] = field(default_factory=dict)
    """Measure to the student's mean score in them, with its 95% interval; the node's own metric is among them.

    For a label, `exact_agreement` with the answer that served; for a text, `pass_rate` under the judge.
    """

    beside: Mapping[str, Estimate] = field(default_factory=dict)
    """The same of the answers that served, where that can be said: `pass_rate` of texts."""

    shadow_least: float | None = None
    """What the node's own metric in the shadow may not be shown to be below; None while there is no case."""

    is_shown_worse: bool = False
    """Whether it is shown to be below that, at the plan's confidence."""

    canary_conversations: int = 0
    """Conversations decided under the present decision, one case of each; those erased since are counted."""

    acceptance: Estimate | None = None
    """Of them, by the plan's measure, as far as they are still there; None while there is none."""

    watch: WatchState | None = None
    """None where no student serves, or the watch has not looked yet."""

    needed: int = 0
    """How many cases, or under a canary conversations, the plan still asks for before the next step."""

    @property
    def metric(self) -> Estimate | None:
        """The node's own metric in the shadow; None while there is no case."""
        return self.shadow.get(metric_of(self.node))


async def progress(
    tx: Transaction, pharmacy_id: str, node: str, plan: Plan, *, file_serving: Serving | None = None,
    file_student: str | None = None,
) -> Progress:  # fmt: skip
    """Return how far the student of `node` has come.

    Args:
        file_serving: who serves by the file's word, where nobody has decided; unsaid, the teacher.
        file_student: the student that the file names, where the decision names none.
    """
    history = await servings.history(tx, pharmacy_id, node)
    now = history[0] if history else None
    serving = now.serving if now else file_serving or Serving("teacher")
    student = serving.student or file_student
    found = Progress(node, serving, now.at if now else None, now.set_by if now else None)
    if student is None or not serving.needs_student:
        return found
    rows = await shadows.scored(tx, pharmacy_id, node, student, begun_seq(history, student))
    seen = _with_shadow(found, rows, plan)
    watched = watched_of(node, serving, now, student)
    return seen if watched is None else await _with_watch(tx, pharmacy_id, seen, watched, plan)


def watched_of(node: str, serving: Serving, decided: Decided | None, student: str | None) -> Watched | None:
    """Return who is to be watched; None where the teacher serves alone."""
    if serving.by == "teacher" or student is None:
        return None
    return Watched(node, decided.seq if decided else 0, student, decided.at if decided else EVER)


def begun_seq(history: Sequence[Decided], student: str) -> int:
    """Return the number of the decision that first let `student` answer, with no teacher alone and no other since."""
    seq = 0
    for decided in history:  # the newest first
        serving = decided.serving
        if not serving.needs_student or serving.student not in (None, student):
            break
        seq = decided.seq
    return seq


def _with_shadow(found: Progress, rows: Sequence[Scored], plan: Plan) -> Progress:
    least, is_worse = held_beside(found.node, rows, plan)
    return replace(
        found,
        shadow_cases=len(rows),
        shadow=_estimates([(row.conversation_id, row.scores) for row in rows]),
        beside=_estimates([(row.conversation_id, row.beside_scores) for row in rows]),
        shadow_least=least,
        is_shown_worse=is_worse,
        needed=max(0, plan.shadow.minimum_cases - len(rows)) if found.serving.by == "teacher" else 0,
    )


def held_beside(node: str, rows: Sequence[Scored], plan: Plan) -> tuple[float | None, bool]:
    """Return what the node's metric in the shadow may not be below, and whether it is shown to be.

    A text is held against the one that served, less the plan's margin. A label knows only whether it is the one that
    served: it may differ as often as in the plan's worlds, for which alone the gate's word holds.
    """
    metric = metric_of(node)
    both = [row for row in rows if metric in row.scores and metric in row.beside_scores]
    if both:
        whose = [row.conversation_id for row in both]
        beside = [row.beside_scores[metric] for row in both]
        apart = difference([row.scores[metric] for row in both], beside, whose)
        least = apart.second_mean - plan.margin
        return least, falls_below(apart.seen, -plan.margin, plan.confidence, cautious=False)
    alone = [row for row in rows if metric in row.scores]
    if not alone:
        return None, False
    least = 1 - plan.assumed.discordance
    seen = totals([row.scores[metric] for row in alone], [row.conversation_id for row in alone])
    return least, falls_below(seen, least, plan.confidence, cautious=False)


async def _with_watch(tx: Transaction, pharmacy_id: str, found: Progress, watched: Watched, plan: Plan) -> Progress:
    state, least = await watches.state_of(tx, pharmacy_id, watched), plan.canary.minimum_conversations
    is_canary = found.serving.by == "canary"
    if state is None:
        return replace(found, needed=least if is_canary else 0)
    cases = await watches.cases_of(tx, pharmacy_id, watched)
    accepted = totals([case.acceptance for case in cases], [case.conversation_id for case in cases])
    return replace(
        found,
        canary_conversations=state.cases,
        acceptance=estimate(accepted) if cases else None,
        watch=state,
        needed=max(0, least - state.cases) if is_canary else 0,
    )


def _estimates(rows: Sequence[tuple[str, Mapping[str, float]]]) -> dict[str, Estimate]:
    measures = dict.fromkeys(name for _, scores in rows for name in scores)
    return {
        name: estimate(totals([s[name] for _, s in rows if name in s], [c for c, s in rows if name in s]))
        for name in measures
    }
