"""Which kind of models a pharmacy has been served by, so that a lost key is noticed."""

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.errors import ConfigError
from pharmacy.storage.tables import served_modes


async def note_mode(tx: AsyncConnection, pharmacy_id: str, mode: str, *, by_auto: bool) -> None:
    """Record that the pharmacy is served by `mode`: `openai` or `local`.

    Raises:
        ConfigError: it was served by `openai` before and would now fall to `local` without anybody saying so.
    """
    rows = await tx.execute(
        select(served_modes.c.mode).where(served_modes.c.pharmacy_id == pharmacy_id).order_by(served_modes.c.seq)
    )
    served = list(rows.scalars())
    if mode == "local" and by_auto and "openai" in served:
        raise ConfigError(
            "KAKARI_MODELS='auto' would serve local models, but this database has been served by openai: "
            "set OPENAI_API_KEY again, or say KAKARI_MODELS=local if local models are meant"
        )
    if not served or served[-1] != mode:
        await tx.execute(insert(served_modes).values(pharmacy_id=pharmacy_id, mode=mode))
