"""Look what became of a serving student's answers, and let the teacher serve again once they are no longer accepted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from distillation.acceptance import Acceptance
from distillation.plan import Plan, StepBack
from distillation.taking_over import ACTOR, watched_of
from evaluation.always_valid import Watch
from graph.assemble import Assembled
from pharmacy.domain.serving import Serving
from pharmacy.models.serving import first_serving
from pharmacy.storage import alarms, servings, watches
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.recorded_calls import recorded_calls
from pharmacy.storage.servings import Decided
from pharmacy.storage.watches import WatchCase, Watched, WatchState


@dataclass(frozen=True)
class Watching:
    """What one node is watched by."""

    node: str
    plan: Plan
    acceptance: Acceptance


@dataclass(frozen=True)
class Look:
    """What a look came to."""

    watched: Watched
    state: WatchState
    added: int
    """Cases that nobody had counted before."""

    stepped_back: bool


async def look(database: Database, jobs: Jobs, assembled: Assembled, pharmacy_id: str, by: Watching) -> Look | None:
    """Count what is new; None where no student serves the node, or nothing is new.

    Raises:
        StoreBusy: the store cannot serve now; nothing was counted.
    """
    async with database.begin(pharmacy_id) as tx:
        watched = who_is_watched(assembled, by.node, (await servings.decided(tx, pharmacy_id)).get(by.node))
        if watched is None:
            return None
        state = await watches.state_of(tx, pharmacy_id, watched) or begun(by.plan.step_back)
        found = await watches.changed(tx, pharmacy_id, watched, state.looked_at)
        cases = await _cases(tx, pharmacy_id, watched, by.acceptance, state.measure, found, assembled)
    if state.looked_at is not None and not found:
        return None
    return await database.transact(lambda tx: _count(tx, jobs, assembled, pharmacy_id, by, watched, cases), pharmacy_id)


def who_is_watched(assembled: Assembled, node: str, decided: Decided | None) -> Watched | None:
    """Return who is watched at `node`; None where its teacher serves, whatever was decided."""
    registry = assembled.registry
    serving = decided.serving if decided else first_serving(registry.table(node))
    if registry.why_not(node, serving):
        return None
    return watched_of(node, serving, decided, registry.student_of(node))


def begun(plan: StepBack) -> WatchState:
    """Return a watch that has seen nothing. Its measure, bound and alpha stay as they are until it begins anew."""
    capitals = Watch(plan.bound, plan.alpha).capitals
    return WatchState(plan.measure, plan.bound, plan.alpha, 0, 0.0, capitals, has_fallen=False)


def after(state: WatchState, cases: Sequence[WatchCase]) -> WatchState:
    """Return the state after `cases`; from one that has seen nothing and all cases it is made anew."""
    watch = Watch(state.bound, state.alpha, state.cases, state.capitals, state.has_fallen)
    for case in cases:
        watch = watch.after(case.acceptance)
    accepted = state.accepted + sum(case.acceptance for case in cases)
    return replace(
        state, cases=watch.cases, accepted=accepted, capitals=watch.capitals, has_fallen=watch.has_fallen
    )  # fmt: skip


async def _cases(
    tx: Transaction, pharmacy_id: str, watched: Watched, acceptance: Acceptance, measure: str, found: Sequence[str],
    assembled: Assembled,
) -> list[WatchCase]:  # fmt: skip
    """Return the first case of each of these conversations, where it has come to one."""
    calls = await recorded_calls(tx, pharmacy_id, watched.node, found, assembled.flow.window_turns) if found else []
    cases = []
    for conversation_id, together in groupby(calls, key=lambda call: call.conversation_id):
        mine = [c for c in together if c.started_at >= watched.since and acceptance.first_by(c) == watched.student]
        judged = ((call, acceptance.of(call, measure)) for call in mine)
        first = next(((call, said) for call, said in judged if said is not None), None)
        if first is not None:
            cases.append(WatchCase(conversation_id, first[0].run_id, first[1]))
    return cases


async def _count(
    tx: Transaction, jobs: Jobs, assembled: Assembled, pharmacy_id: str, by: Watching, watched: Watched,
    cases: Sequence[WatchCase],
) -> Look | None:  # fmt: skip
    # Who decides waits until this is over, and what was decided meanwhile is not undone.
    await servings.take_turn(tx, pharmacy_id)
    if who_is_watched(assembled, by.node, (await servings.decided(tx, pharmacy_id)).get(by.node)) != watched:
        return None
    before = await watches.hold(tx, pharmacy_id, watched, begun(by.plan.step_back))
    added = await watches.add(tx, pharmacy_id, watched, cases)
    state = after(before, added)
    await watches.note(tx, pharmacy_id, watched, state)
    falls = state.has_fallen and not before.has_fallen
    if falls:
        await _step_back(tx, jobs, pharmacy_id, watched, state, added[-1])
    return Look(watched, state, len(added), falls)


async def _step_back(
    tx: Transaction, jobs: Jobs, pharmacy_id: str, watched: Watched, state: WatchState, last: WatchCase
) -> None:
    await servings.decide(tx, pharmacy_id, ACTOR, watched.node, Serving("teacher"), why(watched, state))
    await alarms.of_step_back(tx, jobs, pharmacy_id, last.conversation_id, watched.node)


def why(watched: Watched, state: WatchState) -> str:
    """Return why the teacher serves again, with the figures."""
    seen = f"{state.accepted:g} of {state.cases} conversations since {watched.since.isoformat(timespec='seconds')}"
    return f"{state.measure} of {watched.student} has fallen below {state.bound:.0%}: {seen}, alpha {state.alpha:g}"
