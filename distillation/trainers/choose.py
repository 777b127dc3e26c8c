"""The trainers by name."""

from datetime import UTC, datetime

from distillation.trainers.port import Trainer
from pharmacy.domain.errors import ConfigError
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.tables import read_tables
from pharmacy.settings import Settings, endpoint_variables

NAMES = ("openai", "local")
_DEFAULT_BASE = "openai:gpt-4o-mini-2024-07-18"


def default_base(name: str, node: str) -> str:
    """Return the model that a student of `node` begins from when nothing is said."""
    return f"local:{node}" if name == "local" else _DEFAULT_BASE


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
    # Each takes a second or more to import, which no other need spend.
    if name == "local":
        from distillation.trainers.local_training import LocalTraining

        return LocalTraining(settings)
    tables = read_tables(settings.models_file)
    if provider not in tables.endpoints:
        raise ConfigError(f"--model: {base!r}: {provider!r} is none of the endpoints {[*tables.endpoints]}")
    from distillation.trainers.openai_tuning import OpenAITuning
    from pharmacy.models.openai_client import openai_client

    client = openai_client(provider, tables.endpoints[provider], endpoint_variables(settings))
    return OpenAITuning(provider, client, Prices(tables.prices), datetime.now(UTC).date())
