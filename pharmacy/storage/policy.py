"""Whether a text that nobody pressed a button for may still go out."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection


async def may_still_go(tx: AsyncConnection, row: Any) -> str | None:  # noqa: ARG001 (what a policy would read)
    """Return why the automatic outbox row may not be sent now, or None when it may; asked right before it goes."""
    return "automatic sending is off"
