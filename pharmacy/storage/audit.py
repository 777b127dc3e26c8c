"""The audit trail: append-only, each row hashing the one before."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.tables import audit

GENESIS = "0" * 64


async def append(
    tx: AsyncConnection, pharmacy_id: str, actor: str, action: str, subject: str, body: Mapping[str, Any]
) -> None:
    """Add one row to the pharmacy's chain, in the caller's transaction.

    Args:
        actor: who or which rule: `key:NAME`, `session:NAME`, `flow`.
        subject: the id of what was acted on; raw words are never kept here, so that erasure leaves the chain whole.
    """
    # Last before the commit: the lock makes writers of one chain take turns, so it is held as shortly as can be.
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('audit:' || :p, 0))"), {"p": pharmacy_id})
    newest = (
        await tx.execute(
            select(audit.c.seq, audit.c.hash)
            .where(audit.c.pharmacy_id == pharmacy_id)
            .order_by(audit.c.seq.desc())
            .limit(1)
        )
    ).one_or_none()
    seq, previous = (newest.seq + 1, newest.hash) if newest else (1, GENESIS)
    at = datetime.now(UTC)
    row = {
        "pharmacy_id": pharmacy_id,
        "seq": seq,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "body": dict(body),
    }
    await tx.execute(insert(audit).values(**row, previous_hash=previous, hash=row_hash(row, previous)))


def row_hash(row: Mapping[str, Any], previous: str) -> str:
    """Return the hex SHA-256 of a row's content after `previous`."""
    content = {**row, "at": row["at"].astimezone(UTC).isoformat()}
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256((previous + canonical).encode()).hexdigest()
