"""One-time links and sessions: opaque tokens kept as hashes, ended by time, idleness, or a change of the account."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.rights import EVERY_RIGHT, Role
from pharmacy.storage import audit
from pharmacy.storage.access_tokens import Caller, entered, hashed, rights_of
from pharmacy.storage.tables import accounts, sign_ins

LINK_LIVES = timedelta(minutes=15)
SESSION_LIVES = timedelta(hours=12)
IDLE = timedelta(minutes=15)
_SEEN_EVERY = timedelta(seconds=10)

_SINCE_SEEN = func.extract("epoch", func.now() - sign_ins.c.seen_at)
_ALIVE = and_(sign_ins.c.expires_at > func.now(), sign_ins.c.idle_seconds > _SINCE_SEEN)


@dataclass(frozen=True)
class SignedIn:
    """Whom a session is for."""

    pharmacy_id: str
    name: str
    account_id: UUID | None = None


async def create_link(tx: AsyncConnection, pharmacy_id: str, actor: str) -> str:
    """Return the token of a new sign-in link, good for once and 15 minutes: it opens every right of the pharmacy."""
    await _forget_old(tx)
    return await _issue(tx, SignedIn(pharmacy_id, actor), "link", LINK_LIVES, LINK_LIVES)


async def use_link(tx: AsyncConnection, token: str, idle: timedelta = IDLE) -> str | None:
    """Return a session's token for a link's, or None when it was used or has run out."""
    if not await entered(tx, func.kakari_pharmacy_of_sign_in(hashed(token))):
        return None
    where = (sign_ins.c.token_hash == hashed(token), sign_ins.c.kind == "link", sign_ins.c.expires_at > func.now())
    used = (
        await tx.execute(delete(sign_ins).where(*where).returning(sign_ins.c.pharmacy_id, sign_ins.c.actor))
    ).one_or_none()
    if used is None:
        return None
    return await start_session(tx, SignedIn(used.pharmacy_id, used.actor), "link", idle)


async def start_session(tx: AsyncConnection, who: SignedIn, by: str, idle: timedelta = IDLE) -> str:
    """Return the token of a new session; it is made at sign-in and never taken from the caller.

    Args:
        by: how they signed in: link, password, provider.
    """
    await _forget_old(tx)
    token = await _issue(tx, who, "session", SESSION_LIVES, idle)
    await audit.append(tx, who.pharmacy_id, f"session:{who.name}", "signed_in", who.name, {"by": by})
    return token


async def caller_of_session(tx: AsyncConnection, token: str, *, active: bool = True) -> Caller | None:
    """Return whose session `token` is, or None; the rest of the transaction is theirs.

    Args:
        active: False for a call that no person made, such as a page's own look every few seconds.
    """
    if not await entered(tx, func.kakari_pharmacy_of_sign_in(hashed(token))):
        return None
    mine = (sign_ins.c.token_hash == hashed(token), sign_ins.c.kind == "session", _ALIVE)
    allowed = or_(sign_ins.c.account_id.is_(None), accounts.c.disabled_at.is_(None))
    both = sign_ins.outerjoin(accounts, accounts.c.id == sign_ins.c.account_id)
    of_account = (accounts.c.role, accounts.c.rights, accounts.c.password_hash, accounts.c.totp_confirmed_at)
    row = (await tx.execute(select(sign_ins, *of_account).select_from(both).where(*mine, allowed))).one_or_none()
    if row is None:
        return None
    if active:
        # Not with every call: a write each time would cost more than the answer.
        late = (sign_ins.c.token_hash == hashed(token), sign_ins.c.seen_at < func.now() - _SEEN_EVERY)
        await tx.execute(update(sign_ins).where(*late).values(seen_at=func.now()))
    if row.account_id is None:
        return Caller(row.pharmacy_id, f"session:{row.actor}", EVERY_RIGHT, Role.ADMIN)
    rights = rights_of(row.role, row.rights)
    # Without a password here, it is the provider that asks for a second factor.
    second_factor = row.totp_confirmed_at is not None or row.password_hash is None
    return Caller(row.pharmacy_id, f"session:{row.actor}", rights, Role(row.role), row.account_id, second_factor)


async def end_session(tx: AsyncConnection, token: str) -> None:
    """Sign out."""
    if await entered(tx, func.kakari_pharmacy_of_sign_in(hashed(token))):
        ended = delete(sign_ins).where(sign_ins.c.token_hash == hashed(token))
        gone = (await tx.execute(ended.returning(sign_ins.c.pharmacy_id, sign_ins.c.actor))).one_or_none()
        if gone is not None:
            await audit.append(tx, gone.pharmacy_id, f"session:{gone.actor}", "signed_out", gone.actor, {})


async def end_sessions_of(tx: AsyncConnection, account_id: UUID) -> None:
    """End every session of an account: what it may has changed, or who knows its password."""
    await tx.execute(delete(sign_ins).where(sign_ins.c.account_id == account_id))


async def _forget_old(tx: AsyncConnection) -> None:
    await tx.execute(delete(sign_ins).where(sign_ins.c.expires_at < func.now()))


async def _issue(tx: AsyncConnection, who: SignedIn, kind: str, lives: timedelta, idle: timedelta) -> str:
    token = secrets.token_urlsafe(32)
    values = {
        "pharmacy_id": who.pharmacy_id,
        "token_hash": hashed(token),
        "kind": kind,
        "actor": who.name,
        "account_id": who.account_id,
        "expires_at": func.now() + lives,
        "idle_seconds": int(idle.total_seconds()),
    }
    await tx.execute(insert(sign_ins).values(**values))
    return token
