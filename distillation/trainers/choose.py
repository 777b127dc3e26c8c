"""The trainers by name."""

from datetime import UTC, datetime

from distillation.trainers.port import Trainer
from pharmacy.domain.errors import ConfigError
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.tables import read_tables
from pharmacy.settings import Settings, endpoint_variables

NAMES = ("openai",)
DEFAULT_BASE = "openai:gpt-4o-mini-2024-07-18"


def trainer_of(name: str, base: str, settings: Settings) -> Trainer:
    """Return the trainer `name` for students that begin from `base`.

    Raises:
        ConfigError: there is none of that name, or its endpoint is not as it must be.
    """
    if name not in NAMES:
        raise ConfigError(f"--trainer: {name!r}; expected one of {[*NAMES]}")
    try:
        provider = ModelRef.read(base).provider
    except ValueError as error:
        raise ConfigError(f"--model: {error}") from None
    tables = read_tables(settings.models_file)
    if provider not in tables.endpoints:
        raise ConfigError(f"--model: {base!r}: {provider!r} is none of the endpoints {[*tables.endpoints]}")
    # The client takes a second to import, which no other command need spend.
    from distillation.trainers.openai_client import openai_client
    from distillation.trainers.openai_tuning import OpenAITuning

    client = openai_client(provider, tables.endpoints[provider], endpoint_variables(settings))
    return OpenAITuning(provider, client, Prices(tables.prices), datetime.now(UTC).date())
