"""What several commands open: settings, and the database for one piece of work."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database

Result = TypeVar("Result")


def in_database(work: "Callable[[Database, Settings], Awaitable[Result]]") -> Result:
    """Return what `work` returns, done with the database of the settings open."""

    async def run() -> Result:
        from pharmacy.observing.logs import keep_logs_off_stdout
        from pharmacy.settings import read_settings
        from pharmacy.storage.database import open_database

        settings = read_settings()
        keep_logs_off_stdout(settings.log_level)
        database = await open_database(settings)
        try:
            return await work(database, settings)
        finally:
            await database.close()

    return asyncio.run(run())
