"""The policy that runs and the kill switch: append-only rows, each with who, when and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.policy import InForce, Policy
from pharmacy.domain.policy_file import PolicyFile, differences
from pharmacy.storage import audit
from pharmacy.storage.refusals import Stale
from pharmacy.storage.tables import kill_switches, policies

CHANNEL = "policy"
"""Where the tables tell that policy or kill switch has changed; the payload is the pharmacy's id."""


@dataclass(frozen=True)
class Setting:
    """The newest version that a person has set."""

    version: int
    body: Any
    """As stored; read it with `policy_in`."""

    set_by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Switch:
    """Where the kill switch stands."""

    is_on: bool = False
    set_by: str | None = None
    reason: str | None = None
    at: datetime | None = None


async def newest(tx: AsyncConnection, pharmacy_id: str) -> Setting | None:
    """Return the policy that a person has set last, or None while the file's first values hold."""
    found = select(policies).where(policies.c.pharmacy_id == pharmacy_id).order_by(policies.c.version.desc()).limit(1)
    row = (await tx.execute(found)).one_or_none()
    return Setting(row.version, row.body, row.set_by, row.reason, row.at) if row else None


async def switch_of(tx: AsyncConnection, pharmacy_id: str) -> Switch:
    """Return where the kill switch stands; it was never touched when nobody is named."""
    mine = select(kill_switches).where(kill_switches.c.pharmacy_id == pharmacy_id)
    row = (await tx.execute(mine.order_by(kill_switches.c.seq.desc()).limit(1))).one_or_none()
    return Switch(row.is_on, row.set_by, row.reason, row.at) if row else Switch()


async def in_force(tx: AsyncConnection, pharmacy_id: str, file: PolicyFile) -> InForce:
    """Return what holds now: read anew each time, so that no process goes by what was so a moment ago.

    What cannot be read, or does not fit the flow that runs, lets nothing out.
    """
    set_last, switch = await newest(tx, pharmacy_id), await switch_of(tx, pharmacy_id)
    if set_last is None:
        return file.in_force(file.first, 0, stopped=switch.is_on)
    try:
        policy = policy_in(set_last.body)
    except ValueError as error:
        problem = f"version {set_last.version}: {error}"
        return InForce(None, set_last.version, switch.is_on, file.bounds.marking, problem)
    return file.in_force(policy, set_last.version, stopped=switch.is_on)


def policy_in(body: Any) -> Policy:
    """Return the policy that a stored row holds.

    Raises:
        ValueError: it holds none; names the place and what was expected.
    """
    try:
        return Policy.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"{place or 'body'} = {first.get('input')!r}: {first['msg']}") from None


async def put(tx: AsyncConnection, pharmacy_id: str, actor: str, policy: Policy, reason: str, read_version: int) -> int:
    """Write `policy` as the next version and return its number; the caller has checked it against file and flow.

    Args:
        read_version: the version that the person has read.

    Raises:
        Stale: somebody else has set another one since.
    """
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('policy:' || :p, 0))"), {"p": pharmacy_id})
    before = await newest(tx, pharmacy_id)
    now = before.version if before else 0
    if now != read_version:
        raise Stale(f"version = {read_version!r}: the policy is at {now}; read it again", now)
    body = policy.model_dump(mode="json")
    row = {"version": now + 1, "body": body, "set_by": actor, "reason": reason}
    await tx.execute(insert(policies).values(**row, pharmacy_id=pharmacy_id))
    await audit.append(tx, pharmacy_id, actor, "policy_set", pharmacy_id, {"version": now + 1, "policy": body})
    return now + 1


async def turn(tx: AsyncConnection, pharmacy_id: str, actor: str, *, is_on: bool, reason: str) -> Switch:
    """Turn the kill switch; one that stands there already stays, with who turned it first."""
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('policy:' || :p, 0))"), {"p": pharmacy_id})
    before = await switch_of(tx, pharmacy_id)
    if before.is_on == is_on:
        return before
    # The clock and not now(): the lock may have been waited for.
    row = {"is_on": is_on, "set_by": actor, "reason": reason, "at": func.clock_timestamp()}
    await tx.execute(insert(kill_switches).values(**row, pharmacy_id=pharmacy_id))
    action = "automatic_sending_stopped" if is_on else "automatic_sending_released"
    await audit.append(tx, pharmacy_id, actor, action, pharmacy_id, {"reasoned": bool(reason)})
    return await switch_of(tx, pharmacy_id)


async def findings(tx: AsyncConnection, pharmacy_id: str, file: PolicyFile) -> list[tuple[str, str]]:
    """Return `ok` or `warning` with words for each thing a person should know: the switch, and what differs."""
    now, set_last = await in_force(tx, pharmacy_id, file), await newest(tx, pharmacy_id)
    if now.problem:
        return [("warning", f"nothing is sent automatically: {now.problem}; set the policy anew")]
    found = [("warning", "the kill switch is on: `kakari policy release` lets automatic sending run again")]
    policy = now.policy or file.first
    automatic = [f"{c}.{p}" for c, phases in policy.modes.items() for p, mode in phases.items() if mode == "auto"]
    told = f"version {now.version}" if set_last else f"the first values of {file.path.name}"
    said = ("ok", f"{told}; automatic: {', '.join(automatic) or 'nothing'}")
    return [said, *(found if now.stopped else []), *(("warning", line) for line in differences(policy, file))]
