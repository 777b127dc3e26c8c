"""What is traced of a run: built from its own records, once it has ended."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pharmacy.domain.model import GIVEN_UP, ModelCall
from pharmacy.domain.outcome import Outcome, Step
from pharmacy.domain.outcome_json import drafts_json, outcome_json, reached_json
from pharmacy.observing.trace import Passage, Trace, passage_id
from pharmacy.storage.begun import Begun

STATIC_BLANKS = frozenset({"categories", "phases", "criteria", "criteria_described"})
"""The same in every call under one prompt fingerprint, which names them in the trace."""


@dataclass(frozen=True)
class Ended:
    """A run that has ended."""

    begun: Begun
    proposal: Outcome | None
    calls: tuple[ModelCall, ...]
    began_at: datetime
    ended_at: datetime
    staff: tuple[str, ...]
    """The names of the pharmacy's people."""

    problem: str | None = None
    """The error's name, when a bug ended it."""


def key_of(begun: Begun) -> str:
    """Return the conversation's name, as erasures tell it."""
    return f"{begun.pharmacy_id}/{begun.conversation_id}"


def trace_of(ended: Ended) -> Trace:
    """Return the run's trace. It names the conversation by a hash only: the id may be a caller's own, and telling."""
    begun = ended.begun
    return Trace(
        id=begun.id,
        began_at=ended.began_at,
        ended_at=ended.ended_at,
        inputs={"messages": [{"from": turn.author.value, "text": turn.text} for turn in begun.transcript.turns],
                "phase": begun.phase, "instruction": begun.asked.instruction if begun.asked else ""},
        outputs=_said(ended.proposal),
        metadata={"thread_id": hashlib.sha256(key_of(begun).encode()).hexdigest()[:16], "version": begun.version},
        passages=tuple(_passages(ended)),
        known_names=tuple(name for name in (begun.patient.name, *ended.staff) if name),
        error=ended.problem,
    )  # fmt: skip


def _said(proposal: Outcome | None) -> dict[str, Any]:
    if proposal is None:
        return {}
    held = {"held_for": list(proposal.held_for), "reached": reached_json(proposal.reached)}
    body = outcome_json(proposal, "", 0) | {"drafts": drafts_json(proposal.drafts)} | held
    return {name: value for name, value in body.items() if name not in ("conversation_id", "version")}


def _passages(ended: Ended) -> list[Passage]:
    """Return one passage per step of the trail, each with the calls that it made."""
    left = list(ended.calls)
    at = ended.began_at
    passages = []
    for step in ended.proposal.steps if ended.proposal else ():
        mine = _calls_of(step.node, left)
        passage = _by_model(step, mine) if mine else _by_code(step, at)
        at = max(at, passage.ended_at)
        passages.append(passage)
    # Calls whose node never came to an answer stand in no trail.
    passages += [_by_model(Step(call.node, call.seconds, ""), [call]) for call in left]
    of = ended.begun.id
    return [replace(each, id=passage_id(of, number, each.node)) for number, each in enumerate(passages)]


def _calls_of(node: str, left: list[ModelCall]) -> list[ModelCall]:
    """Take the calls of the node's next passage: the first try and those that repeat it."""
    mine: list[ModelCall] = []
    # What was given up was nobody's try: it stands for itself.
    for call in [each for each in left if each.node == node and each.error != GIVEN_UP]:
        if mine and call.attempt == 1:
            break
        mine.append(call)
        left.remove(call)
    return mine


def _by_code(step: Step, began_at: datetime) -> Passage:
    return Passage(
        step.node, began_at, began_at + timedelta(seconds=step.seconds), by_model=False, outputs={"says": step.says}
    )


def _by_model(step: Step, calls: Sequence[ModelCall]) -> Passage:
    first, last = calls[0], calls[-1]
    return Passage(
        node=step.node,
        began_at=first.started_at,
        ended_at=last.started_at + timedelta(seconds=last.seconds),
        by_model=True,
        inputs={"blanks": {name: value for name, value in last.blanks.items() if name not in STATIC_BLANKS}},
        outputs={"output": last.output, "says": step.says, "usage_metadata": _usage(calls)},
        metadata={"prompt_file": last.prompt_file, "prompt_fingerprint": last.prompt_fingerprint,
                  "ls_model_name": last.model_asked, "model_served": last.model_served, "attempts": len(calls),
                  "cost_usd": _cost(calls), "errors": [call.error for call in calls if call.error]},
        error=last.error,
    )  # fmt: skip


def _usage(calls: Sequence[ModelCall]) -> dict[str, int]:
    read = sum(call.prompt_tokens for call in calls)
    written = sum(call.completion_tokens for call in calls)
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}


def _cost(calls: Sequence[ModelCall]) -> float | None:
    costs = [call.cost_usd for call in calls]
    return None if any(cost is None for cost in costs) else sum(cost for cost in costs if cost is not None)
