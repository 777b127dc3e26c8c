"""Accounts: who they are, what they may, and that a change of either ends their sessions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.rights import Right, Role
from pharmacy.storage import audit
from pharmacy.storage.access_sessions import end_sessions_of
from pharmacy.storage.refusals import Conflict, NotHere
from pharmacy.storage.tables import accounts

RESERVED = frozenset({"owner"})
"""Names that the audit trail gives to somebody else."""


@dataclass(frozen=True)
class NewAccount:
    """An account to be made."""

    name: str
    role: Role
    rights: tuple[Right, ...] = ()
    password_hash: str | None = None
    """None: signs in through the provider only."""

    subject: str | None = None
    role_from: str = "account"
    """`claim`: the role is what the provider says at each sign-in."""


async def add(tx: AsyncConnection, pharmacy_id: str, actor: str, new: NewAccount) -> UUID:
    """Make an account and return its id.

    Raises:
        Conflict: the name is in use, or the program's own.
    """
    values = {
        "id": uuid4(), "pharmacy_id": pharmacy_id, "name": new.name, "role": new.role, "subject": new.subject,
        "rights": sorted(set(new.rights)), "password_hash": new.password_hash, "role_from": new.role_from,
    }  # fmt: skip
    made = upsert(accounts).values(**values).on_conflict_do_nothing().returning(accounts.c.id)
    if new.name in RESERVED or (await tx.execute(made)).one_or_none() is None:
        raise Conflict(f"account {new.name!r} exists already; expected a new name")
    body = {"role": new.role, "rights": values["rights"], "provider": new.password_hash is None}
    await audit.append(tx, pharmacy_id, actor, "account_created", new.name, body)
    return UUID(str(values["id"]))


async def listed(tx: AsyncConnection, pharmacy_id: str) -> list[dict[str, Any]]:
    """Return every account by name, without anything that opens it."""
    rows = await tx.execute(select(accounts).where(accounts.c.pharmacy_id == pharmacy_id).order_by(accounts.c.name))
    return [shown(row) for row in rows]


async def one(tx: AsyncConnection, pharmacy_id: str, account_id: UUID, *, held: bool = False) -> Any:
    """Return an account's row.

    Args:
        held: keep it from being changed until the end of the transaction.

    Raises:
        NotHere: this pharmacy has no such account.
    """
    query = select(accounts).where(accounts.c.pharmacy_id == pharmacy_id, accounts.c.id == account_id)
    row = (await tx.execute(query.with_for_update() if held else query)).one_or_none()
    if row is None:
        raise NotHere(f"account {str(account_id)!r}: there is none")
    return row


async def named(tx: AsyncConnection, pharmacy_id: str, name: str) -> Any | None:
    """Return the row of the account of that name, or None."""
    where = (accounts.c.pharmacy_id == pharmacy_id, accounts.c.name == name)
    return (await tx.execute(select(accounts).where(*where))).one_or_none()


async def change_rights(
    tx: AsyncConnection, row: Any, actor: str, role: Role | None = None, rights: Iterable[Right] | None = None
) -> None:
    """Give another role, other single rights, or both; every session of the account ends."""
    values: dict[str, Any] = {"role": role} if role is not None else {}
    if rights is not None:
        values["rights"] = sorted(set(rights))
    await _change(tx, row, actor, "account_rights_changed", values, values)


async def disable(tx: AsyncConnection, row: Any, actor: str) -> None:
    """Shut an account out at once."""
    await _change(tx, row, actor, "account_disabled", {"disabled_at": func.now()})


async def enable(tx: AsyncConnection, row: Any, actor: str) -> None:
    """Let an account in again."""
    await _change(tx, row, actor, "account_enabled", {"disabled_at": None})


async def reset(tx: AsyncConnection, row: Any, actor: str, password_hash: str) -> None:
    """Give a new password and take the second factor away: the way back for whoever lost either."""
    values = {"password_hash": password_hash, "totp_secret": None, "totp_confirmed_at": None, "totp_last_step": None}
    await _change(tx, row, actor, "account_reset", values)


async def change_password(tx: AsyncConnection, row: Any, password_hash: str) -> None:
    """Take the person's own new password; every session ends, and the caller starts a new one."""
    await _change(tx, row, f"session:{row.name}", "password_changed", {"password_hash": password_hash})


async def keep_hash(tx: AsyncConnection, account_id: UUID, password_hash: str) -> None:
    """Keep the same password under stronger parameters."""
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(password_hash=password_hash))


def shown(row: Any) -> dict[str, Any]:
    """Return an account as the API shows it."""
    return {
        "id": str(row.id),
        "name": row.name,
        "role": row.role,
        "rights": row.rights,
        "second_factor": row.totp_confirmed_at is not None,
        "password": row.password_hash is not None,
        "disabled_at": row.disabled_at.isoformat() if row.disabled_at else None,
        "created_at": row.created_at.isoformat(),
    }


async def _change(
    tx: AsyncConnection, row: Any, actor: str, action: str, values: dict[str, Any], told: dict[str, Any] | None = None
) -> None:
    await tx.execute(update(accounts).where(accounts.c.id == row.id).values(**values))
    await end_sessions_of(tx, row.id)
    await audit.append(tx, row.pharmacy_id, actor, action, row.name, told or {})
