"""Sign-in through a provider: what is remembered while the browser is away, and whose account a subject is."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.access_tokens import hashed
from pharmacy.storage.tables import accounts, provider_sign_ins

AWAY = timedelta(minutes=10)


@dataclass(frozen=True)
class Leaving:
    """What goes with the browser, and what stays."""

    state: str
    nonce: str
    verifier: str
    """Proves at the token endpoint that whoever left is whoever came back (RFC 7636)."""


async def leave(tx: AsyncConnection, pharmacy_id: str) -> Leaving:
    """Remember a browser that leaves for the provider."""
    leaving = Leaving(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
    await tx.execute(delete(provider_sign_ins).where(provider_sign_ins.c.expires_at < func.now()))
    row = {"pharmacy_id": pharmacy_id, "state_hash": hashed(leaving.state), "nonce": leaving.nonce}
    row |= {"verifier": leaving.verifier}
    await tx.execute(insert(provider_sign_ins).values(**row, expires_at=func.now() + AWAY))
    return leaving


async def come_back(tx: AsyncConnection, state: str) -> Leaving | None:
    """Return what was remembered, once; None when nobody left with `state`, or too long ago."""
    mine = (provider_sign_ins.c.state_hash == hashed(state), provider_sign_ins.c.expires_at > func.now())
    columns = (provider_sign_ins.c.nonce, provider_sign_ins.c.verifier)
    row = (await tx.execute(delete(provider_sign_ins).where(*mine).returning(*columns))).one_or_none()
    return Leaving(state, row.nonce, row.verifier) if row else None


async def of_subject(tx: AsyncConnection, pharmacy_id: str, subject: str) -> Any | None:
    """Return the row of the account tied to that subject, or None."""
    where = (accounts.c.pharmacy_id == pharmacy_id, accounts.c.subject == subject)
    return (await tx.execute(select(accounts).where(*where))).one_or_none()


async def tie(tx: AsyncConnection, account: Any, subject: str) -> bool:
    """Tie an account that waits for the provider to the first subject that comes with its name; say whether it is.

    Never one with a password: whoever holds a mail address at the provider would become whoever has that name here.
    """
    waiting = (accounts.c.id == account.id, accounts.c.subject.is_(None), accounts.c.password_hash.is_(None))
    tied = await tx.execute(update(accounts).where(*waiting).values(subject=subject))
    return bool(tied.rowcount)
