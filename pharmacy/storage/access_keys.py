"""API keys: made, listed, revoked, and recognised by their hash."""

import secrets
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.rights import Right, Role
from pharmacy.storage import audit
from pharmacy.storage.access_tokens import Caller, hashed, rights_of
from pharmacy.storage.refusals import Conflict
from pharmacy.storage.tables import api_keys

_ENTERED = text("SELECT pharmacy_id, name, role, rights FROM kakari_enter_by_key(:key_hash)")


async def create_key(
    tx: AsyncConnection,
    pharmacy_id: str,
    name: str,
    actor: str,
    role: Role | None = Role.MACHINE,
    rights: Iterable[Right] = (),
) -> str:
    """Return a new API key; it cannot be read again.

    Args:
        role: whose rights it has; None for `rights` alone.
        rights: what it may beside that.

    Raises:
        Conflict: a key of that name is in use.
    """
    key = f"kk_{secrets.token_urlsafe(32)}"
    row = {"id": uuid4(), "pharmacy_id": pharmacy_id, "name": name, "key_hash": hashed(key)}
    scope = {"role": role, "rights": sorted(set(rights))}
    made = upsert(api_keys).values(**row, **scope).on_conflict_do_nothing().returning(api_keys.c.id)
    if (await tx.execute(made)).one_or_none() is None:
        raise Conflict(f"key {name!r} exists already; expected a new name")
    await audit.append(tx, pharmacy_id, actor, "key_created", name, scope)
    return key


async def revoke_key(tx: AsyncConnection, pharmacy_id: str, name: str, actor: str) -> bool:
    """Make the key of that name useless at once; say whether there was one."""
    where = (api_keys.c.pharmacy_id == pharmacy_id, api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
    revoked = await tx.execute(update(api_keys).where(*where).values(revoked_at=func.now()))
    if revoked.rowcount:
        await audit.append(tx, pharmacy_id, actor, "key_revoked", name, {})
    return bool(revoked.rowcount)


async def list_keys(tx: AsyncConnection, pharmacy_id: str) -> list[dict[str, Any]]:
    """Return name, scope and dates of every key, never the key."""
    rows = await tx.execute(
        select(api_keys).where(api_keys.c.pharmacy_id == pharmacy_id).order_by(api_keys.c.created_at, api_keys.c.id)
    )
    return [
        {
            "name": row.name,
            "role": row.role,
            "rights": row.rights,
            "created_at": row.created_at.isoformat(),
            "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
        }
        for row in rows
    ]


async def caller_of_key(tx: AsyncConnection, key: str) -> Caller | None:
    """Return who holds `key`, or None; the rest of the transaction is theirs."""
    row = (await tx.execute(_ENTERED, {"key_hash": hashed(key)})).one_or_none()
    if row is None:
        return None
    role = Role(row.role) if row.role in set(Role) else None
    return Caller(row.pharmacy_id, f"key:{row.name}", rights_of(row.role, row.rights), role)
