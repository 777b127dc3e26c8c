"""The second factor: a secret that a person confirms once, and codes of which none works twice."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pyotp
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit
from pharmacy.storage.refusals import Conflict
from pharmacy.storage.tables import accounts

STEP_SECONDS = 30
_CLOCKS_APART = 1
"""Steps that a phone's clock may be early or late."""


async def begin(tx: AsyncConnection, account_id: UUID) -> str:
    """Return a new secret, in Base32; until it is confirmed it is not asked for.

    Raises:
        Conflict: a second factor is set already; only an administrator can take it away.
    """
    secret = pyotp.random_base32()
    unset = (accounts.c.id == account_id, accounts.c.totp_confirmed_at.is_(None))
    changed = await tx.execute(update(accounts).where(*unset).values(totp_secret=secret, totp_last_step=None))
    if not changed.rowcount:
        raise Conflict("a second factor is set already; expected an administrator to reset the account first")
    return secret


async def confirm(tx: AsyncConnection, account_id: UUID, code: str, now: datetime | None = None) -> bool:
    """Ask for the second factor from now on, if `code` shows that the person has it; say whether it does."""
    row = await _account(tx, account_id)
    if row.totp_confirmed_at is not None:
        raise Conflict("a second factor is set already")
    if row.totp_secret is None or not await spend(tx, row, code, now):
        return False
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(totp_confirmed_at=func.now()))
    await audit.append(tx, row.pharmacy_id, f"session:{row.name}", "second_factor_set", row.name, {})
    return True


async def spend(tx: AsyncConnection, account: Any, code: str, now: datetime | None = None) -> bool:
    """Say whether `code` is the account's, now, and of a step later than any used; from then on it is used."""
    step = _step_of(account.totp_secret, code, now or datetime.now(UTC))
    if step is None:
        return False
    unused = or_(accounts.c.totp_last_step.is_(None), accounts.c.totp_last_step < step)
    taken = await tx.execute(
        update(accounts).where(accounts.c.id == account.id, unused).values(totp_last_step=step)
    )  # fmt: skip
    return bool(taken.rowcount)


def address_of(secret: str, name: str) -> str:
    """Return the otpauth address that an authenticator reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="Kakari")


def _step_of(secret: str | None, code: str, now: datetime) -> int | None:
    newest = int(now.timestamp()) // STEP_SECONDS
    if not secret or not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    found = None
    for step in range(newest - _CLOCKS_APART, newest + _CLOCKS_APART + 1):
        # Each is compared, whichever fits: how long it takes says nothing.
        if pyotp.utils.strings_equal(pyotp.TOTP(secret).at(step * STEP_SECONDS), code):
            found = step
    return found


async def _account(tx: AsyncConnection, account_id: UUID) -> Any:
    return (await tx.execute(select(accounts).where(accounts.c.id == account_id).with_for_update())).one()
