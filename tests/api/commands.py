"""The `kakari` command run in the test's own process, for a shop's pharmacy and under the models that serve it."""

import asyncio

from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from tests.api.shop import Shop


async def kakari(shop: Shop, *words: str) -> Result:
    """Run the command."""
    settings = shop.program.settings
    assert settings.database_url is not None
    assert settings.openai_api_key is not None
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(), "KAKARI_HOME": str(settings.home), "COLUMNS": "300",
        "KAKARI_PHARMACY_ID": settings.pharmacy_id, "OPENAI_API_KEY": settings.openai_api_key.get_secret_value(),
        "OPENAI_BASE_URL": str(settings.openai_base_url), "KAKARI_MODELS_FILE": str(settings.models_file),
    }  # fmt: skip
    return await asyncio.to_thread(CliRunner(env=environment).invoke, app, list(words))
