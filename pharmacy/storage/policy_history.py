"""Every version of the policy that a person has set, the newest first."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.policy import Setting
from pharmacy.storage.tables import policies


async def one_version(tx: AsyncConnection, pharmacy_id: str, version: int) -> Setting | None:
    """Return that version, or None where nobody has set it, as nobody has set the file's first values."""
    mine = (policies.c.pharmacy_id == pharmacy_id, policies.c.version == version)
    row = (await tx.execute(select(policies).where(*mine))).one_or_none()
    return Setting(row.version, row.body, row.set_by, row.reason, row.at) if row else None


async def versions(tx: AsyncConnection, pharmacy_id: str, *, limit: int, below: int | None) -> list[Setting]:
    """Return so many versions, the newest first.

    Args:
        below: only older ones than this.
    """
    found = select(policies).where(policies.c.pharmacy_id == pharmacy_id)
    if below is not None:
        found = found.where(policies.c.version < below)
    rows = await tx.execute(found.order_by(policies.c.version.desc()).limit(limit))
    return [Setting(row.version, row.body, row.set_by, row.reason, row.at) for row in rows]
