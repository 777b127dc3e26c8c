"""Who may call: API keys, one-time sign-in links and sessions, each kept as a hash only."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.rights import EVERY_RIGHT, Right
from pharmacy.storage import audit
from pharmacy.storage.refusals import Conflict
from pharmacy.storage.tables import api_keys, sign_ins
from pharmacy.storage.walls import enter

LINK_LIVES = timedelta(minutes=15)
SESSION_LIVES = timedelta(hours=12)


@dataclass(frozen=True)
class Caller:
    """Who calls, and for which pharmacy."""

    pharmacy_id: str
    actor: str
    """`key:NAME` or `session:NAME`, as the audit trail names it."""

    rights: frozenset[Right] = EVERY_RIGHT
    """What they may do."""


async def create_key(tx: AsyncConnection, pharmacy_id: str, name: str, actor: str) -> str:
    """Return a new API key; it cannot be read again.

    Raises:
        Conflict: a key of that name is in use.
    """
    # 256 random bits: a plain hash is enough, and a slow one would cost every call half a second.
    key = f"kk_{secrets.token_urlsafe(32)}"
    row = {"id": uuid4(), "pharmacy_id": pharmacy_id, "name": name, "key_hash": _hashed(key)}
    made = upsert(api_keys).values(**row).on_conflict_do_nothing().returning(api_keys.c.id)
    if (await tx.execute(made)).one_or_none() is None:
        raise Conflict(f"key {name!r} exists already; expected a new name")
    await audit.append(tx, pharmacy_id, actor, "key_created", name, {})
    return key


async def revoke_key(tx: AsyncConnection, pharmacy_id: str, name: str, actor: str) -> bool:
    """Make the key of that name useless at once; say whether there was one."""
    where = (api_keys.c.pharmacy_id == pharmacy_id, api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
    revoked = await tx.execute(update(api_keys).where(*where).values(revoked_at=func.now()))
    if revoked.rowcount:
        await audit.append(tx, pharmacy_id, actor, "key_revoked", name, {})
    return bool(revoked.rowcount)


async def list_keys(tx: AsyncConnection, pharmacy_id: str) -> list[dict[str, str | None]]:
    """Return name and dates of every key, never the key."""
    rows = await tx.execute(
        select(api_keys).where(api_keys.c.pharmacy_id == pharmacy_id).order_by(api_keys.c.created_at)
    )
    return [
        {
            "name": row.name,
            "created_at": row.created_at.isoformat(),
            "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
        }
        for row in rows
    ]


async def caller_of_key(tx: AsyncConnection, key: str) -> Caller | None:
    """Return who holds `key`, or None; the rest of the transaction is theirs."""
    if not await _entered(tx, func.kakari_pharmacy_of_key(_hashed(key))):
        return None
    where = (api_keys.c.key_hash == _hashed(key), api_keys.c.revoked_at.is_(None))
    row = (await tx.execute(select(api_keys).where(*where))).one_or_none()
    return Caller(row.pharmacy_id, f"key:{row.name}") if row else None


async def create_link(tx: AsyncConnection, pharmacy_id: str, actor: str) -> str:
    """Return the token of a new sign-in link, good for once and 15 minutes."""
    return await _issue(tx, pharmacy_id, actor, "link", LINK_LIVES)


async def use_link(tx: AsyncConnection, token: str) -> str | None:
    """Return a session's token for a link's, or None when it was used or has run out."""
    if not await _entered(tx, func.kakari_pharmacy_of_sign_in(_hashed(token))):
        return None
    where = (sign_ins.c.token_hash == _hashed(token), sign_ins.c.kind == "link", sign_ins.c.expires_at > func.now())
    used = (
        await tx.execute(delete(sign_ins).where(*where).returning(sign_ins.c.pharmacy_id, sign_ins.c.actor))
    ).one_or_none()
    if used is None:
        return None
    session = await _issue(tx, used.pharmacy_id, used.actor, "session", SESSION_LIVES)
    await audit.append(tx, used.pharmacy_id, f"session:{used.actor}", "signed_in", used.actor, {})
    return session


async def caller_of_session(tx: AsyncConnection, token: str) -> Caller | None:
    """Return whose session `token` is, or None; the rest of the transaction is theirs."""
    if not await _entered(tx, func.kakari_pharmacy_of_sign_in(_hashed(token))):
        return None
    where = (sign_ins.c.token_hash == _hashed(token), sign_ins.c.kind == "session", sign_ins.c.expires_at > func.now())
    row = (await tx.execute(select(sign_ins).where(*where))).one_or_none()
    return Caller(row.pharmacy_id, f"session:{row.actor}") if row else None


async def end_session(tx: AsyncConnection, token: str) -> None:
    """Sign out."""
    if await _entered(tx, func.kakari_pharmacy_of_sign_in(_hashed(token))):
        await tx.execute(delete(sign_ins).where(sign_ins.c.token_hash == _hashed(token)))


async def _entered(tx: AsyncConnection, pharmacy: ColumnElement[str]) -> bool:
    """Go behind the wall of the pharmacy that a token belongs to; say whether it belongs to any."""
    found = (await tx.execute(select(pharmacy))).scalar_one()
    if found is not None:
        await enter(tx, found)
    return found is not None


async def _issue(tx: AsyncConnection, pharmacy_id: str, actor: str, kind: str, lives: timedelta) -> str:
    token = secrets.token_urlsafe(32)
    await tx.execute(delete(sign_ins).where(sign_ins.c.expires_at < func.now()))
    values = {
        "pharmacy_id": pharmacy_id,
        "token_hash": _hashed(token),
        "kind": kind,
        "actor": actor,
        "expires_at": func.now() + lives,
    }
    await tx.execute(insert(sign_ins).values(**values))
    return token


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
