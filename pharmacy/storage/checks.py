"""What a person should know of a running database."""

import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit_verify, reading, vectors

_CLOCK = text("SELECT extract(epoch FROM clock_timestamp())")


async def database_findings(tx: AsyncConnection, pharmacy_id: str) -> list[tuple[str, str]]:
    """Return (`ok` | `warning` | `wrong`, words) for each thing looked at."""
    found = []
    _, worker = await reading.readiness(tx)
    found.append(
        ("ok", "a worker is alive")
        if worker
        else ("warning", "no worker is alive: start `kakari serve` or `kakari worker`")
    )
    if not await vectors.compares(tx):
        found.append(
            (
                "warning",
                "the extension `vector` is not in the database: repeated questions are found by their own words only;"
                " once the server has it, the next start makes it, or an administrator by CREATE EXTENSION vector",
            )
        )
    broken = await audit_verify.broken_at(tx, pharmacy_id)
    if broken is None:
        found.append(("ok", f"the audit chain holds over {await audit_verify.length(tx, pharmacy_id)} rows"))
    else:
        found.append(("wrong", f"the audit chain breaks at row {broken}: compare with a backup"))
    apart = abs(time.time() - float((await tx.execute(_CLOCK)).scalar_one()))
    if apart > 5:
        found.append(("warning", f"this machine's clock and the database's are {apart:.0f} s apart: set them by NTP"))
    return found
