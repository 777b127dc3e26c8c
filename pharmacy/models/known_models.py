"""What is known of a provider's model before it is called: context size, last day, whether it takes a temperature."""

import functools
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pharmacy.domain.toml_file import TomlFile
from pharmacy.models.model_name import base_of, undated

_NO_TEMPERATURE = re.compile(r"(gpt-[5-9]|o\d)")


class KnownModel(BaseModel):
    """One model's figures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    context: int
    """Tokens of prompt and answer together."""

    output: int
    """Tokens of the longest answer."""

    shutdown: date | None = None
    """Announced last day."""

    temperature: bool = True
    """False when only the default is taken."""


def known_model(name: str) -> KnownModel | None:
    """Return what is known of the model that its maker calls `name`; a fine-tuned one is as its base is."""
    base = base_of(name)
    return _shipped().get(base) or _shipped().get(undated(base))


def known_names() -> tuple[str, ...]:
    """Return the names of all models that something is known of, in the file's order."""
    return tuple(_shipped())


def takes_temperature(name: str, reasoning_effort: str | None) -> bool:
    """Return whether a `temperature` may be sent: newer models refuse any but the default while they reason."""
    if reasoning_effort == "none":
        return True
    known = known_model(name)
    return known.temperature if known else not _NO_TEMPERATURE.match(base_of(name))


@functools.cache
def _shipped() -> Mapping[str, KnownModel]:
    return TomlFile.read(Path(__file__).with_name("known_models.toml")).table(("models",), dict[str, KnownModel])
