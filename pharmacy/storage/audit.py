"""The audit trail: append-only, each row hashing the one before."""

import hashlib
import json
from collections.abc import Mapping
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


async def append(
    tx: AsyncConnection, pharmacy_id: str, actor: str, action: str, subject: str, body: Mapping[str, Any]
) -> None:
    """Add one row to the pharmacy's chain, in the caller's transaction.

    Args:
        actor: who or which rule: `key:NAME`, `session:NAME`, `flow`.
        subject: the id of what was acted on; raw words are never kept here, so that erasure leaves the chain whole.
    """
    # Last before the commit: the lock makes writers of one chain take turns, so it is held as shortly as can be.
    row = {"pharmacy_id": pharmacy_id, "actor": actor, "action": action, "subject": subject, "body": dict(body)}
    await tx.execute(_APPEND, row | {"pieces": [*_around_time_and_number(row)]})


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
