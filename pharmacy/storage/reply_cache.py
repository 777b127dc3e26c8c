"""Questions that were asked before, found again by their words or by likeness; only approved replies answer."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.repeated.asked import Asked
from pharmacy.storage.begun import Begun
from pharmacy.storage.tables import reply_cache

MOST_NEAR = 20
"""How many questions are looked at more closely, the likest first."""

# An entry is a question whose reply was written anew and sent as it was. A reply from memory makes no entry, so that
# with the erasure of whoever asked first all that came of it is gone. Whatever a pharmacist refused or reworded since,
# of the same question or of a reply taken from the entry, ends the entry.
_ENTRY = """
FROM reply_cache c JOIN suggestions s
    ON s.pharmacy_id = c.pharmacy_id AND s.conversation_id = c.conversation_id AND s.run_id = c.run_id
WHERE c.pharmacy_id = :pharmacy_id AND c.hit_of IS NULL AND s.state = 'approved' AND s.text <> ''
AND NOT EXISTS (
    SELECT FROM reply_cache h JOIN suggestions t
        ON t.pharmacy_id = h.pharmacy_id AND t.conversation_id = h.conversation_id AND t.run_id = h.run_id
    WHERE h.pharmacy_id = c.pharmacy_id AND (h.key = c.key OR h.hit_of = c.seq)
        AND t.state IN ('edited', 'rejected', 'regenerated') AND t.decided_at >= s.decided_at)
"""
_EXACT = text(f"SELECT c.seq, s.text {_ENTRY} AND c.key = :key ORDER BY s.decided_at DESC LIMIT 1")

# Few rows share a scope, and all of them are compared: an index over vectors would miss some. The vectors are kept as
# plain numbers, so that the table is the same where the extension is not.
_NEAR = text(
    """
SELECT c.seq, c.question, s.text, 1 - (c.embedding::vector <=> CAST(:embedding AS vector)) AS likeness
"""
    + _ENTRY
    + """ AND c.scope = :scope AND c.embedder = :embedder AND cardinality(c.embedding) = :dimensions AND NOT EXISTS (
    SELECT FROM reply_cache h JOIN suggestions t
        ON t.pharmacy_id = h.pharmacy_id AND t.conversation_id = h.conversation_id AND t.run_id = h.run_id
    WHERE h.pharmacy_id = :pharmacy_id AND h.key = :key AND t.state IN ('edited', 'rejected', 'regenerated'))
ORDER BY c.embedding::vector <=> CAST(:embedding AS vector) LIMIT :most
"""
)


@dataclass(frozen=True)
class Entry:
    """A question that was asked before, with its reply."""

    seq: int
    question: str
    reply: str
    likeness: float = 1.0
    """How like the two questions are, from -1 to 1; 1 for the same words."""


@dataclass(frozen=True)
class Heard:
    """A question of a run, to be kept when it ends."""

    asked: Asked
    entry: Entry | None = None
    """What answered it; None where the reply was written anew."""

    embedder: str | None = None
    embedding: tuple[float, ...] | None = None


async def exact(tx: AsyncConnection, pharmacy_id: str, asked: Asked) -> Entry | None:
    """Return the entry with the same scope and the same words, or None."""
    row = (await tx.execute(_EXACT, {"pharmacy_id": pharmacy_id, "key": asked.key})).one_or_none()
    return Entry(row.seq, asked.question, row.text) if row else None


async def near(
    tx: AsyncConnection, pharmacy_id: str, asked: Asked, embedder: str, embedding: tuple[float, ...]
) -> list[Entry]:
    """Return the entries of the same scope whose questions are likest, the likest first.

    None for a question whose own reply a pharmacist has refused or reworded. The caller has asked `vectors.compares`.
    """
    given = {"pharmacy_id": pharmacy_id, "scope": asked.scope.digest, "key": asked.key, "embedder": embedder,
             "most": MOST_NEAR,
             "dimensions": len(embedding), "embedding": f"[{','.join(map(str, embedding))}]"}  # fmt: skip
    return [Entry(row.seq, row.question, row.text, row.likeness) for row in await tx.execute(_NEAR, given)]


async def keep(tx: AsyncConnection, begun: Begun, heard: Heard) -> None:
    """Keep a question under its run; the caller holds the conversation, so that nobody erases it meanwhile."""
    await tx.execute(
        insert(reply_cache).values(
            pharmacy_id=begun.pharmacy_id,
            conversation_id=begun.conversation_id,
            run_id=begun.id,
            scope=heard.asked.scope.digest,
            key=heard.asked.key,
            node=heard.asked.scope.node,
            question=heard.asked.question,
            hit_of=heard.entry.seq if heard.entry else None,
            likeness=heard.entry.likeness if heard.entry else None,
            embedder=heard.embedder,
            embedding=list(heard.embedding) if heard.embedding else None,
        )
    )


async def counted(tx: AsyncConnection, pharmacy_id: str) -> dict[str, Any]:
    """Return how many questions were heard, and how many of them memory answered, by the same words or near ones."""
    mine = reply_cache.c.pharmacy_id == pharmacy_id
    hit = reply_cache.c.hit_of.is_not(None)
    counts = select(
        func.count().label("heard"),
        func.count().filter(hit & (reply_cache.c.likeness == 1)).label("exact"),
        func.count().filter(hit & (reply_cache.c.likeness < 1)).label("near"),
    ).where(mine)
    row = (await tx.execute(counts)).one()
    return {"heard": row.heard, "exact": row.exact, "near": row.near}


async def forget(tx: AsyncConnection, pharmacy_id: str) -> int:
    """Forget every question of the pharmacy; return how many there were."""
    gone = await tx.execute(delete(reply_cache).where(reply_cache.c.pharmacy_id == pharmacy_id))
    return int(gone.rowcount)
