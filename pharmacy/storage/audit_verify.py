"""Walk the audit trail's chain: does every row follow the one before, and is none missing?"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.audit import GENESIS, row_hash
from pharmacy.storage.tables import audit, audit_heads

BATCH_ROWS = 1000
"""How many rows are in memory at once; other work of the process has its turn after each such batch."""

_CONTENT = ("pharmacy_id", "seq", "at", "actor", "action", "subject", "body")


@dataclass(frozen=True)
class Head:
    """The newest row of a chain: kept elsewhere, it shows later that nothing before it was changed or taken away."""

    seq: int
    """0 while the chain is empty."""

    hash: str

    @property
    def told(self) -> str:
        """`SEQ:HASH`, as it is noted down and handed back."""
        return f"{self.seq}:{self.hash}"

    @classmethod
    def read(cls, words: str) -> "Head":
        """Return the head that `SEQ:HASH` names.

        Raises:
            ValueError: it is none.
        """
        seq, _, digest = words.strip().partition(":")
        if not seq.isdecimal() or len(digest) != len(GENESIS) or set(digest) - set("0123456789abcdef"):
            raise ValueError(f"{words!r}: expected SEQ:HASH, as `kakari audit head` prints it")
        return cls(int(seq), digest)


@dataclass(frozen=True)
class Break:
    """The first place where the chain does not hold."""

    seq: int
    says: str


@dataclass(frozen=True)
class Verdict:
    """What a walk along the chain found."""

    rows: int
    """How many rows hold, from the beginning."""

    head: Head
    """The last row that holds."""

    broken: Break | None


async def head(tx: AsyncConnection, pharmacy_id: str) -> Head:
    """Return the newest row's number and hash."""
    newest = select(audit.c.seq, audit.c.hash).where(audit.c.pharmacy_id == pharmacy_id)
    found = (await tx.execute(newest.order_by(audit.c.seq.desc()).limit(1))).one_or_none()
    return Head(found.seq, found.hash) if found else Head(0, GENESIS)


async def length(tx: AsyncConnection, pharmacy_id: str) -> int:
    """Return how many rows the pharmacy's chain has."""
    counted = await tx.execute(select(func.count()).select_from(audit).where(audit.c.pharmacy_id == pharmacy_id))
    return int(counted.scalar_one())


async def verify(
    tx: AsyncConnection,
    pharmacy_id: str,
    *,
    known: Head | None = None,
    since: Head | None = None,
    walked: Callable[[int], object] | None = None,
) -> Verdict:
    """Walk the pharmacy's chain to its end or to the first row that does not hold.

    Args:
        known: a head that was noted down elsewhere; the chain must still hold that row.
        since: the head of an earlier walk, to begin after; None begins at the first row.
        walked: is told how many rows were walked, once for each batch.
    """
    last = since or Head(0, GENESIS)
    begun = last.seq
    async with tx.stream(_beside_heads(pharmacy_id, begun), execution_options={"max_row_buffer": BATCH_ROWS}) as rows:
        async for row in rows:
            if (says := _fault(row, last, known)) is not None:
                return Verdict(last.seq, last, Break(min(int(row.place), last.seq + 1), says))
            last = Head(row.seq, row.hash)
            if (last.seq - begun) % BATCH_ROWS == 0:
                if walked is not None:
                    walked(last.seq - begun)
                await asyncio.sleep(0)
    if known is not None and known.seq > last.seq:
        return Verdict(last.seq, last, Break(last.seq + 1, f"it is missing: the chain once reached row {known.seq}"))
    return Verdict(last.seq, last, None)


async def broken_at(tx: AsyncConnection, pharmacy_id: str) -> int | None:
    """Return the first row number that does not hold, or None when the whole chain does."""
    broken = (await verify(tx, pharmacy_id)).broken
    return broken.seq if broken else None


def _beside_heads(pharmacy_id: str, after: int) -> Select[Any]:
    rows = select(audit).where(audit.c.pharmacy_id == pharmacy_id, audit.c.seq > after).subquery("of_chain")
    heads = (
        select(audit_heads).where(audit_heads.c.pharmacy_id == pharmacy_id, audit_heads.c.seq > after).subquery("heads")
    )
    # One query, so one moment: a row that is written meanwhile is in both or in neither.
    both = rows.join(heads, rows.c.seq == heads.c.seq, full=True)
    place = func.coalesce(rows.c.seq, heads.c.seq)
    told = select(place.label("place"), heads.c.hash.label("head"), *rows.c).select_from(both)
    return told.where(true()).order_by(place)


def _fault(row: Any, last: Head, known: Head | None) -> str | None:
    """Return in words why `row` does not follow `last`, or None when it does."""
    if row.place != last.seq + 1:
        return f"it is missing: row {row.place} comes after row {last.seq}"
    if row.seq is None:
        return "it is missing: its hash was noted when it was written"
    if row.previous_hash != last.hash:
        return f"it does not follow row {last.seq}"
    if row.hash != row_hash({name: getattr(row, name) for name in _CONTENT}, last.hash):
        return "its content is not what was hashed"
    if row.head is None:
        return "it was not written by the program: nothing was noted of it"
    if row.head != row.hash:
        return "it was written anew: another hash was noted when it was first written"
    if known is not None and known.seq == row.seq and known.hash != row.hash:
        return f"it was written anew: its hash was {known.hash}"
    return None
