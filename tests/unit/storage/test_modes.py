"""Modes: a database that was served by a provider never falls to local models by itself."""

import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.storage import modes
from pharmacy.storage.database import Database


async def test_a_lost_key_does_not_silently_fall_to_local_models(database: Database) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        await modes.note_mode(tx, "default", "openai", by_auto=True)

    async with database.begin(database.pharmacy_id) as tx:
        with pytest.raises(ConfigError, match="has been served by openai"):
            await modes.note_mode(tx, "default", "local", by_auto=True)


async def test_local_models_serve_when_a_person_says_so(database: Database) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        await modes.note_mode(tx, "default", "openai", by_auto=True)
        await modes.note_mode(tx, "default", "local", by_auto=False)

    async with database.begin("elsewhere") as tx:
        await modes.note_mode(tx, "elsewhere", "local", by_auto=True)
