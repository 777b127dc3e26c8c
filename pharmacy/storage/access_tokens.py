"""What every way in shares: who calls, how a token is kept, whose pharmacy it opens."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.rights import MAY, Right, Role
from pharmacy.storage.walls import enter


@dataclass(frozen=True)
class Caller:
    """Who calls, for which pharmacy, and what they may."""

    pharmacy_id: str
    actor: str
    """`key:NAME` or `session:NAME`, as the audit trail names it."""

    rights: frozenset[Right] = frozenset()

    role: Role | None = None
    """None for a key that has single rights only."""

    account_id: UUID | None = None
    """None for a key, and for whoever sits at the machine itself."""

    second_factor: bool = True
    """False for an account with a password and nothing beside it."""


def hashed(secret: str) -> bytes:
    """Return what is kept of a 256-bit token: a plain hash is enough, and a slow one would cost every call."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def rights_of(role: str | None, given: list[str]) -> frozenset[Right]:
    """Return what a stored role and the rights given by name come to; a name that is none any more gives nothing."""
    known = {right.value for right in Right}
    named = frozenset(Right(name) for name in given if name in known)
    return named | (MAY[Role(role)] if role in {member.value for member in Role} else frozenset())


async def entered(tx: AsyncConnection, pharmacy: ColumnElement[str]) -> bool:
    """Go behind the wall of the pharmacy that a token belongs to; say whether it belongs to any."""
    found = (await tx.execute(select(pharmacy))).scalar_one()
    if found is not None:
        await enter(tx, found)
    return found is not None
