"""How often a name or an address may try to sign in: counted in the database, for all processes and over restarts."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.tables import sign_in_attempts

WINDOW = timedelta(minutes=15)


@dataclass(frozen=True)
class Bucket:
    """What attempts are counted for."""

    name: str
    most: int
    """How many attempts a window of 15 minutes takes."""


def of_account(pharmacy_id: str, name: str) -> Bucket:
    """Return the bucket of a name, whether anybody has it or not."""
    return Bucket(f"account:{pharmacy_id}:{name}", 10)


def of_address(address: str) -> Bucket:
    """Return the bucket of a caller's address; more than of a name, since a whole pharmacy may share one."""
    return Bucket(f"address:{address}", 50)


async def count(tx: AsyncConnection, bucket: Bucket) -> int:
    """Count one attempt and return which of the window it is, from 1. Committed before the password is looked at."""
    made = upsert(sign_in_attempts).values(bucket=_key(bucket), attempts=1, since=func.now())
    over = sign_in_attempts.c.since < func.now() - WINDOW
    again = made.on_conflict_do_update(
        index_elements=["bucket"],
        set_={
            "attempts": case((over, 1), else_=sign_in_attempts.c.attempts + 1),
            "since": case((over, func.now()), else_=sign_in_attempts.c.since),
        },
    )
    return int((await tx.execute(again.returning(sign_in_attempts.c.attempts))).scalar_one())


async def forgive(tx: AsyncConnection, address: Bucket, account: Bucket) -> None:
    """Take a sign-in that went well back: all attempts of the name, and this one of the address."""
    # The address first, as whoever counts takes them: in another order two would wait for one another.
    mine = (sign_in_attempts.c.bucket == _key(address), sign_in_attempts.c.attempts > 0)
    await tx.execute(update(sign_in_attempts).where(*mine).values(attempts=sign_in_attempts.c.attempts - 1))
    await tx.execute(delete(sign_in_attempts).where(sign_in_attempts.c.bucket == _key(account)))


async def clear_old(tx: AsyncConnection) -> None:
    """Delete the counts whose window is over, but for those in somebody's hands: this waits for nobody."""
    old = select(sign_in_attempts.c.bucket).where(sign_in_attempts.c.since < func.now() - WINDOW)
    free = old.with_for_update(skip_locked=True)
    await tx.execute(delete(sign_in_attempts).where(sign_in_attempts.c.bucket.in_(free)))


def _key(bucket: Bucket) -> bytes:
    # Names and addresses of people who mistyped are nobody's to read.
    return hashlib.sha256(bucket.name.encode("utf-8", "surrogatepass")).digest()
