"""What a person decides of a draft, or says themselves: the same for the API's calls and the console's forms."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pharmacy.domain.flow import Flow
from pharmacy.storage import case_decisions, decisions, holding, own_reply, reading
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from pharmacy.storage.decisions import Decision
from pharmacy.storage.incoming import Idempotency
from pharmacy.storage.own_reply import OwnReply
from pharmacy.storage.remarks import Telling
from server.asks import Acknowledge, Answer, Approve, Ask, Correct, Decide, Edit, Regenerate, Reject, Resolve, Respond
from server.errors import Refused
from server.outgoing import refuse_bad_wording, wording_context
from server.program import Program

_LATEST_SNOOZE = datetime(2200, 1, 1, tzinfo=UTC)

Shown = dict[str, Any]
"""A row as the API shows it."""


async def approve(program: Program, by: Caller, suggestion_id: UUID, body: Approve) -> Shown:
    """Send the draft as it is, and return it; the case that it answers is closed with it, or nothing happens.

    What is said of products and who is a patient may have changed since the draft was written: the output gate reads
    it once more.

    Raises:
        Refused: the output gate holds it now and no reason is given.
        Stale: something came after the version that was read, or the draft is decided, or the case is closed.
        NotHere: this pharmacy has no such suggestion, or its conversation no such case.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        draft = await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id)
    overridden: tuple[str, ...] = ()
    if draft["state"] == "open":
        context = await wording_context(program, by.pharmacy_id, draft["conversation_id"], draft["text"])
        overridden = refuse_bad_wording(program, draft["text"], body.reason, context)
    async with program.database.begin(by.pharmacy_id) as tx:
        await decisions.approve(
            tx, program.jobs, _decision(program, by, body), suggestion_id, reason=body.reason, overridden=overridden
        )
        return await _answered(tx, program, by, body, suggestion_id)


async def edit(program: Program, by: Caller, suggestion_id: UUID, body: Edit) -> Shown:
    """Send another wording, and return the draft; both texts are kept.

    Raises:
        Refused: the output gate holds the wording and no reason is given, or category or phase are not the flow's.
        Stale, NotHere: as `approve`.
    """
    _refuse_unknown(program.assembled.flow, body.category, body.phase)
    async with program.database.begin(by.pharmacy_id) as tx:
        conversation_id = (await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id))["conversation_id"]
    context = await wording_context(program, by.pharmacy_id, conversation_id, body.text)
    overridden = refuse_bad_wording(program, body.text, body.reason, context)
    async with program.database.begin(by.pharmacy_id) as tx:
        await decisions.edit(
            tx, program.jobs, _decision(program, by, body), suggestion_id, body.text,
            reason=body.reason, category=body.category, phase=body.phase, overridden=overridden, cause=body.cause,
        )  # fmt: skip
        return await _answered(tx, program, by, body, suggestion_id)


async def reject(program: Program, by: Caller, suggestion_id: UUID, body: Reject) -> Shown:
    """Refuse the draft, and return it; the patient then waits for a person, unless the matter is dealt with.

    Raises:
        Stale, NotHere: as `approve`.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        await decisions.reject(tx, _decision(program, by, body), suggestion_id, body.reason, body.detail)
        return await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id)


async def regenerate(program: Program, by: Caller, suggestion_id: UUID, body: Regenerate) -> Shown:
    """Have it written again, and return the old draft; the new one follows.

    Raises:
        Stale, NotHere: as `approve`.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        await decisions.regenerate(tx, program.jobs, _decision(program, by, body), suggestion_id, body.instruction)
        return await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id)


async def respond(
    program: Program, by: Caller, conversation_id: str, body: Respond, key: str | None = None
) -> tuple[UUID, str]:
    """Send a person's own reply; return its place in the outbox and its state.

    Args:
        key: the caller's own for this reply; the same one again sends nothing more.

    Raises:
        Refused, Stale, NotHere: as `edit`.
        Conflict: the key was used for another reply.
    """
    context = await wording_context(program, by.pharmacy_id, conversation_id, body.text)
    overridden = refuse_bad_wording(program, body.text, body.reason, context)
    request = f"respond {conversation_id} {body.model_dump_json(exclude_unset=True)}"
    idempotency = Idempotency(by.actor, key, hashlib.sha256(request.encode()).hexdigest()) if key else None
    reply = OwnReply(body.text, body.reason, overridden, idempotency, body.closes)
    async with program.database.begin(by.pharmacy_id) as tx:
        return await own_reply.respond(tx, program.jobs, _decision(program, by, body), conversation_id, reply)


async def correct(program: Program, by: Caller, conversation_id: str, body: Correct) -> None:
    """Correct phase or category, or snooze.

    Raises:
        Refused, NotHere: as `edit`.
    """
    values: dict[str, Any] = body.model_dump(exclude_unset=True)
    if "phase" in values and values["phase"] is None:
        raise Refused("phase", None, f"expected one of {[*program.assembled.flow.phases]}")
    _refuse_unknown(program.assembled.flow, values.get("category"), values.get("phase"))
    if "snoozed_until" in values:
        _refuse_past(values["snoozed_until"])
    if "category" in values:
        values["category_set_by"] = by.actor if values["category"] else None
    await _change(program, by, conversation_id, "corrected", values)


async def ask(program: Program, by: Caller, conversation_id: str, body: Ask) -> UUID:
    """Ask for a draft; return the request's id.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        return await decisions.ask(tx, program.jobs, by.pharmacy_id, conversation_id, by.actor, body.instruction)


async def take_over(program: Program, by: Caller, conversation_id: str) -> None:
    """Hold the conversation.

    Raises:
        NotHere: as `ask`.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        await holding.take_over(tx, by.pharmacy_id, conversation_id, by.actor)


async def give_back(program: Program, by: Caller, conversation_id: str) -> None:
    """Let the flow look at the conversation's next message again.

    Raises:
        NotHere: as `ask`.
    """
    await _change(program, by, conversation_id, "given_back", {"taken_over_by": None, "claimed_by": None})


async def claim(program: Program, by: Caller, conversation_id: str) -> None:
    """Say that the caller looks after the conversation.

    Raises:
        NotHere: as `ask`.
    """
    await _change(program, by, conversation_id, "claimed", {"claimed_by": by.actor})


async def stop_run(program: Program, by: Caller, conversation_id: str) -> bool:
    """Stop the run in work; say whether there was one.

    Raises:
        NotHere: as `ask`.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        return await holding.stop_run(tx, by.pharmacy_id, conversation_id, by.actor)


async def acknowledge(program: Program, by: Caller, handover_id: UUID, body: Acknowledge) -> Shown:
    """Say that the caller looks after a case, and return it.

    Raises:
        Stale: the case is closed, or has changed since it was read.
        NotHere: this pharmacy has no such case.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        await case_decisions.acknowledge(tx, by.pharmacy_id, handover_id, by.actor, body.version)
        return await reading.one_handover(tx, by.pharmacy_id, handover_id)


async def resolve(program: Program, by: Caller, handover_id: UUID, body: Resolve) -> Shown:
    """Close a case, and return it.

    Raises:
        Stale, NotHere: as `acknowledge`.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        await case_decisions.resolve(tx, by.pharmacy_id, handover_id, by.actor, body.resolution, body.version)
        return await reading.one_handover(tx, by.pharmacy_id, handover_id)


async def _change(program: Program, by: Caller, conversation_id: str, action: str, values: dict[str, Any]) -> None:
    async with program.database.begin(by.pharmacy_id) as tx:
        if values:
            await holding.change(tx, by.pharmacy_id, conversation_id, by.actor, action, values)


async def _answered(tx: Transaction, program: Program, by: Caller, body: Answer, suggestion_id: UUID) -> Shown:
    """Return the draft that is sent; the case that it answers is closed in the same transaction."""
    shown = await reading.one_suggestion(tx, by.pharmacy_id, suggestion_id)
    if body.closes is not None:
        await case_decisions.close_answered(tx, _decision(program, by, body), shown["conversation_id"], body.closes)
    return shown


def _refuse_past(until: datetime | None) -> None:
    if until is not None and not datetime.now(UTC) < until < _LATEST_SNOOZE:
        raise Refused("snoozed_until", until.isoformat(), f"expected a time to come, before {_LATEST_SNOOZE.year}")


def _refuse_unknown(flow: Flow, category: str | None, phase: str | None) -> None:
    if category is not None and category not in flow.categories:
        raise Refused("category", category, f"expected one of {[*flow.categories]}")
    if phase is not None and phase not in flow.phases:
        raise Refused("phase", phase, f"expected one of {[*flow.phases]}")


def _decision(program: Program, by: Caller, body: Decide) -> Decision:
    telling = Telling(program.jobs) if program.tracing.is_on else None
    return Decision(by.pharmacy_id, by.actor, body.version, telling)
