"""Run a past message through the flow again: the outcome of then beside the outcome of now; nothing is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evaluation.first_answers import FirstAnswers
from graph.assemble import Assembled
from graph.state import Request, RunContext
from nodes.hand_over import hand_over
from nodes.screen import Standing
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.model import ModelCall
from pharmacy.domain.outcome import Outcome, Reason
from pharmacy.domain.outcome_json import outcome_json
from pharmacy.domain.pace import Priority
from pharmacy.domain.serving import Serving
from pharmacy.storage import audit, names, people, reading, servings
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.past_question import PastQuestion, past_question, policy_then

COMPARED = ("outcome", "category", "phase", "reason", "reply", "judgement", "drafts", "models")
"""What the outcomes of then and now are held against each other by, the most telling first.

Not the cost: a provider charges less for what it still has in its cache, so no two runs cost the same.
"""


@dataclass(frozen=True)
class Change:
    """What is to be otherwise than it is served today."""

    models: Mapping[str, str] = field(default_factory=dict)
    """Node to the model that gives its first answer: `provider:name`, `teacher` or `student`."""

    teachers_only: bool = False
    """True when no student answers, whatever was decided."""

    own_policy: bool = False
    """True when the policy file's first values hold in place of what the pharmacy had set by then."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Setting to the file or folder that stands in for the served one, for the audit trail."""


@dataclass(frozen=True)
class Replayed:
    """A message's two outcomes."""

    message_id: str
    conversation_id: str
    then: Mapping[str, Any]
    now: Mapping[str, Any]
    differs: tuple[str, ...]
    """Of `COMPARED`, what is not the same."""

    facts_changed_since: tuple[str, ...]
    """`patient`, `products`: written after the run began; the replay knows only what they are today."""

    asked_otherwise: tuple[str, ...]
    """`node.blank` that a first question was filled with otherwise than then; empty also where its words are gone."""

    calls_then: tuple[Mapping[str, Any], ...]
    calls_now: tuple[ModelCall, ...]


async def replay(
    database: Database, pharmacy_id: str, assembled: Assembled, message_id: str, change: Change, actor: str,
    conversation_id: str | None = None,
) -> Replayed:  # fmt: skip
    """Return the outcome of then and what the flow makes of the same question now; only the audit trail is written.

    Args:
        actor: who asked, for the audit trail.
        conversation_id: of which conversation the message is, where several have one of this id.

    Raises:
        NotHere: this pharmacy has no such message of a patient, or it has no outcome yet.
        Conflict: several conversations have a message of this id.
        ConfigError: a node, model or phase is none that the flow knows.
    """
    models, flow = named_models(assembled, change), assembled.flow
    async with database.begin(pharmacy_id) as tx:
        asked = await past_question(tx, pharmacy_id, message_id, flow.window_turns, conversation_id)
        if asked.phase not in flow.phases:
            raise ConfigError(f"phase {asked.phase!r} of then: expected one of {[*flow.phases]}")
        if change.own_policy:
            in_force = assembled.policy.in_force(assembled.policy.first, 0, stopped=False)
        else:
            in_force = await policy_then(tx, pharmacy_id, asked.asked_at, assembled.policy)
        shelf = await people.catalogue(tx, pharmacy_id)
        serving = {node: each.serving for node, each in (await servings.decided(tx, pharmacy_id)).items()}
        calls_then = await reading.calls_of(tx, pharmacy_id, asked.run_id) if asked.run_id else []
        blanks_then = await reading.first_blanks(tx, pharmacy_id, asked.run_id) if asked.run_id else {}
        await _note(tx, pharmacy_id, actor, asked, change, models)
    if change.teachers_only:
        serving = {node: Serving("teacher") for node in assembled.registry.tables.nodes}
    key = f"{pharmacy_id}/{asked.conversation_id}"
    run_models = FirstAnswers(
        assembled.models_for_run(conversation=key, decided=serving, priority=Priority.PERSON), models
    )
    outcome = await _outcome(database, pharmacy_id, assembled, asked, RunContext(run_models, shelf, in_force))
    return _replayed(asked, outcome, calls_then, blanks_then, run_models.calls)


def named_models(assembled: Assembled, change: Change) -> dict[str, str]:
    """Return node to `provider:name` of every model that was asked for.

    Raises:
        ConfigError: no such node asks a model, or it has no student.
    """
    registry, found = assembled.registry, dict[str, str]()
    for node, ref in change.models.items():
        named = registry.student_of(node) if registry.table(node) and ref == "student" else ref
        if named is None:
            raise ConfigError(f"{node}={ref}: the node has no student that can be asked")
        found[node] = registry.teacher_of(node) if named == "teacher" else named
    return found


async def _note(
    tx: Transaction, pharmacy_id: str, actor: str, asked: PastQuestion, change: Change, models: Mapping[str, str]
) -> None:
    told = {"message": asked.message_id, "models": dict(models), "teachers_only": change.teachers_only,
            "files": dict(change.files)}  # fmt: skip
    await audit.append(tx, pharmacy_id, actor, "replayed", asked.conversation_id, told)


async def _outcome(
    database: Database, pharmacy_id: str, assembled: Assembled, asked: PastQuestion, context: RunContext
) -> Outcome:
    if asked.unread:
        return hand_over(Reason("burst", f"{asked.unread} more messages than a run reads"), None, asked.phase)
    outcome = await assembled.replies.run(_request(asked), context)
    if outcome.reply is None:
        return outcome
    async with database.begin(pharmacy_id) as tx:
        others = await names.other_names_in(tx, pharmacy_id, asked.patient.id, outcome.reply)
    if not others:
        return outcome
    held = hand_over(Reason("other_patient_named", "the draft names another patient"), outcome.category, asked.phase)
    return replace(held, cost_usd=outcome.cost_usd, drafts=outcome.drafts, steps=outcome.steps, models=outcome.models)


def _request(asked: PastQuestion) -> Request:
    standing = Standing(
        asked.asked_at, asked.patient, asked.open_case, asked.taken_over, asked.first_contact, asked.redelivered
    )
    return Request(
        asked.transcript, standing, asked.phase, requested=asked.instruction is not None,
        instruction=asked.instruction or "", category=asked.category, earlier=asked.earlier,
    )  # fmt: skip


def _replayed(
    asked: PastQuestion, outcome: Outcome, calls_then: Sequence[Mapping[str, Any]],
    blanks_then: Mapping[str, Mapping[str, str]], calls: Sequence[ModelCall],
) -> Replayed:  # fmt: skip
    now = outcome_json(outcome, asked.conversation_id, asked.version)
    written = {"patient": asked.patient_written_since, "products": asked.products_written_since}
    return Replayed(
        asked.message_id, asked.conversation_id, asked.then, now,
        tuple(name for name in COMPARED if asked.then.get(name) != now.get(name)),
        tuple(name for name, since in written.items() if since),
        _asked_otherwise(blanks_then, calls), tuple(calls_then), tuple(calls),
    )  # fmt: skip


def _asked_otherwise(then: Mapping[str, Mapping[str, str]], calls: Sequence[ModelCall]) -> tuple[str, ...]:
    now: dict[str, Mapping[str, str]] = {}
    for call in calls:
        now.setdefault(call.node, call.blanks)
    return tuple(
        f"{node}.{blank}" for node in now for blank in sorted({*then.get(node, {}), *now[node]})
        if then.get(node) and then[node].get(blank) != now[node].get(blank)
    )  # fmt: skip
