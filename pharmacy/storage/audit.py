"""The audit trail: append-only, each row hashing the one before."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

GENESIS = "0" * 64

# One statement under the lock: the database dates, numbers and hashes the row, and nobody waits for this process.
_APPEND = text(
    "SELECT kakari_append_audit(:pharmacy_id, :actor, :action, :subject, :body, CAST(:pieces AS text[]))"
).bindparams(bindparam("body", type_=JSONB))

_KEPT_BACK: ContextVar[list[dict[str, Any]] | None] = ContextVar("kept_back", default=None)


async def append(
    tx: AsyncConnection, pharmacy_id: str, actor: str, action: str, subject: str, body: Mapping[str, Any]
) -> None:
    """Add one row to the pharmacy's chain, in the caller's transaction.

    Args:
        actor: who or which rule: `key:NAME`, `session:NAME`, `flow`.
        subject: the id of what was acted on; raw words are never kept here, so that erasure leaves the chain whole.
    """
    # Last before the commit: the lock makes writers of one chain take turns, so it is held as shortly as can be.
    row: dict[str, Any] = {"pharmacy_id": pharmacy_id, "actor": actor, "action": action, "subject": subject,
                           "body": dict(body)}  # fmt: skip
    row |= {"pieces": [*_around_time_and_number(row)]}
    if (kept_back := _KEPT_BACK.get()) is not None:
        kept_back.append(row)
    else:
        await tx.execute(_APPEND, row)


@asynccontextmanager
async def together(tx: AsyncConnection) -> AsyncIterator[None]:
    """Append what the body appends at its end, in the same order: of many things done at once, the lock is held once.

    Without it, the second thing would ask for its own locks while it keeps every other writer from the chain.
    """
    rows: list[dict[str, Any]] = []
    token = _KEPT_BACK.set(rows)
    try:
        yield
    finally:
        _KEPT_BACK.reset(token)
    if rows:
        await tx.execute(_APPEND, rows)


def row_hash(row: Mapping[str, Any], previous: str) -> str:
    """Return the hex SHA-256 of a row's content after `previous`."""
    first, second, third = _around_time_and_number(row)
    at = row["at"].astimezone(UTC).isoformat()
    return hashlib.sha256(f"{previous}{first}{at}{second}{row['seq']}{third}".encode()).hexdigest()


def _around_time_and_number(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the row's JSON, its keys in order, cut where its time and its number in the chain stand."""
    return (
        f'{{"action":{_json(row["action"])},"actor":{_json(row["actor"])},"at":"',
        f'","body":{_json(row["body"])},"pharmacy_id":{_json(row["pharmacy_id"])},"seq":',
        f',"subject":{_json(row["subject"])}}}',
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
