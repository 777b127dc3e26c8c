"""What may go out by itself, as the API and the console see and change it."""

from datetime import datetime
from itertools import zip_longest
from typing import Annotated, Any
from uuid import UUID

from fastapi import HTTPException
from pydantic import Field, StrictBool

from pharmacy.domain import policy as rules
from pharmacy.domain.policy_changes import Change, changes
from pharmacy.domain.policy_file import differences
from pharmacy.domain.rights import Right
from pharmacy.storage import automatic_held, automatic_stop, policy, policy_history
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from server.asks import Body, Line, Note, Version
from server.errors import Refused
from server.program import Program


class PolicyIn(Body):
    """A whole policy, with the version that was read and why it is set."""

    version: Version
    reason: Line
    policy: rules.Policy


class SwitchIn(Body):
    """Where to turn the kill switch."""

    on: StrictBool
    reason: Annotated[Note, Field(description="Why; needed to let automatic sending run again.")] = ""


async def shown(tx: Transaction, program: Program, by: Caller) -> dict[str, Any]:
    """Return the policy that runs, who set it, what it may at most say, and what waits under it."""
    file = program.assembled.policy
    now, set_last = await policy.in_force(tx, by.pharmacy_id, file), await policy.newest(tx, by.pharmacy_id)
    may: dict[str, list[str]] = {}
    for category, phase in sorted(file.bounds.may_be_automatic):
        may.setdefault(category, []).append(phase)
    return {
        "version": now.version,
        "set_by": set_last.set_by if set_last else None,
        "reason": set_last.reason if set_last else None,
        "set_at": set_last.at if set_last else None,
        "policy": now.policy,
        "problem": now.problem or None,
        "kill_switch": switch_json(await policy.switch_of(tx, by.pharmacy_id)),
        "may_be_automatic": may,
        "marking": file.bounds.marking,
        "differences": [*differences(now.policy, file)] if now.policy else [],
        "held": await automatic_held.count_held(tx, by.pharmacy_id),
    }


async def set_policy(program: Program, by: Caller, body: PolicyIn) -> dict[str, Any]:
    """Set the next version, and return what then holds.

    Raises:
        Refused: it says more than the policy file lets it.
        Stale: somebody else has set another version since.
    """
    file = program.assembled.policy
    for place, value, expected in rules.problems(body.policy, file.flow, file.bounds):
        raise Refused(".".join(("policy", *place)), value, expected)
    async with program.database.begin(by.pharmacy_id) as tx:
        await policy.put(tx, by.pharmacy_id, by.actor, body.policy, body.reason, body.version)
        return await shown(tx, program, by)


async def turn(program: Program, by: Caller, body: SwitchIn) -> tuple[policy.Switch, int]:
    """Stop all automatic sending at once, or let it run again; return how many texts were taken back.

    Raises:
        HTTPException: 403, the caller may stop it and not let it run again.
        Refused: it is to run again and nobody says why.
    """
    if body.on:
        return await automatic_stop.stop(program.database, by.pharmacy_id, by.actor, body.reason)
    if Right.SET_POLICY not in by.rights:
        raise HTTPException(403, f"{by.actor!r} may stop automatic sending and not let it run again")
    if not body.reason.strip():
        raise Refused("reason", body.reason, "expected why automatic sending may run again")
    async with program.database.begin(by.pharmacy_id) as tx:
        return await automatic_stop.release(tx, by.pharmacy_id, by.actor, body.reason), 0


async def cancel(program: Program, by: Caller, conversation_id: str, outbox_id: UUID) -> None:
    """Take back an automatic text that is held and was never tried; its draft becomes a suggestion.

    Raises:
        NotHere: the conversation has no such automatic text.
        Stale: it is on its way, or done with.
    """
    async with program.database.begin(by.pharmacy_id) as tx:
        await automatic_stop.cancel(tx, by.pharmacy_id, conversation_id, outbox_id, by.actor)


async def history(
    tx: Transaction, program: Program, by: Caller, *, limit: int, below: int | None
) -> tuple[list[dict[str, Any]], int | None]:
    """Return versions of the policy, the newest first, each with what it changed; and where the next page begins."""
    found = await policy_history.versions(tx, by.pharmacy_id, limit=limit + 1, below=below)
    shown_ones = [
        {"version": each.version, "set_by": each.set_by, "reason": each.reason, "set_at": each.at,
         "changes": _changed(program, before.body if before else None, each.body)}
        for each, before in zip_longest(found, found[1:])
    ]  # fmt: skip
    more = len(found) > limit
    return shown_ones[:limit], found[limit - 1].version if more else None


async def of_version(tx: Transaction, program: Program, by: Caller, version: int) -> rules.Policy | None:
    """Return the policy of that version, or None where it cannot be read, or there is none."""
    if version == 0:
        return program.assembled.policy.first
    found = await policy_history.one_version(tx, by.pharmacy_id, version)
    return _read(found.body) if found else None


def switch_json(switch: policy.Switch) -> dict[str, bool | str | datetime | None]:
    """Return where the kill switch stands, as the API shows it."""
    return {"on": switch.is_on, "set_by": switch.set_by, "reason": switch.reason, "set_at": switch.at}


def _changed(program: Program, before: Any, body: Any) -> list[Change] | None:
    """Return what a version changed, or None where one of the two cannot be read."""
    file = program.assembled.policy
    old, new = file.first if before is None else _read(before), _read(body)
    return changes(old, new, file.flow) if old and new else None


def _read(body: Any) -> rules.Policy | None:
    try:
        return policy.policy_in(body)
    except ValueError:
        return None
