"""What training at OpenAI will come to, and what a person should know before they say yes."""

import functools
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from distillation.trainers.port import Estimate, Order, TrainerRefused
from pharmacy.domain.toml_file import TomlFile
from pharmacy.models.known_models import known_model
from pharmacy.models.model_name import ModelRef, undated
from pharmacy.models.prices import PRICED_PROVIDER, Prices

_TARGET_EPOCHS = 3
_LEAST_SEEN, _MOST_SEEN = 100, 25_000
_MOST_EPOCHS = 25
_DAYS_OF_WARNING = 90


class Calendar(BaseModel):
    """What openai_calendar.toml says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dated: date
    source: str
    last_new_jobs: date
    most_row_tokens: int
    tunable: list[str]


@functools.cache
def calendar() -> Calendar:
    """Return what is known of fine-tuning at OpenAI."""
    return TomlFile.read(Path(__file__).with_name("openai_calendar.toml")).table((), Calendar)


def estimate(order: Order, prices: Prices, today: date) -> Estimate:
    """Return what the order will come to.

    Raises:
        TrainerRefused: the base model is an alias, or a row is too long.
    """
    base = ModelRef.read(order.base)
    _refuse_alias(base)
    _refuse_long_rows(order)
    rows = len(order.train.rows)
    epochs = order.epochs or usual_epochs(rows)
    tokens = order.train.tokens * epochs
    return Estimate(
        rows, epochs, tokens, prices.training_usd(base, tokens), tuple(_warnings(order, base, prices, today))
    )


def usual_epochs(rows: int) -> int:
    """Return how many passes OpenAI makes over so many rows when nothing is said.

    Source: "Data preparation and analysis for chat model fine-tuning", OpenAI cookbook.
    """
    if rows * _TARGET_EPOCHS < _LEAST_SEEN:
        return min(_MOST_EPOCHS, _LEAST_SEEN // rows)
    if rows * _TARGET_EPOCHS > _MOST_SEEN:
        return max(1, _MOST_SEEN // rows)
    return _TARGET_EPOCHS


def _refuse_alias(base: ModelRef) -> None:
    dated = [name for name in calendar().tunable if undated(name) == base.name]
    if dated:
        raise TrainerRefused(
            f"{str(base)!r} is an alias, which is not trained: expected the dated snapshot "
            f"{f'{base.provider}:{dated[0]}'!r}, so that it is known what the student was made from"
        )


def _refuse_long_rows(order: Order) -> None:
    most = calendar().most_row_tokens
    for file in filter(None, [order.train, order.validation]):
        for number, row in enumerate(file.rows, 1):
            if row.tokens > most:
                raise TrainerRefused(f"{file.path}:{number}: about {row.tokens} tokens; expected at most {most}")


def _warnings(order: Order, base: ModelRef, prices: Prices, today: date) -> Iterator[str]:
    known = calendar()
    if base.name.removeprefix("ft:").split(":")[0] not in known.tunable:
        yield f"{base} is not among the models that were known to be tunable on {known.dated}"
    if base.provider == PRICED_PROVIDER and today > known.last_new_jobs:
        yield f"OpenAI announced {known.last_new_jobs} as the last day for new jobs; expect a refusal"
    last = (found := known_model(base.name)) and found.shutdown
    if last and (last - today).days <= _DAYS_OF_WARNING:
        yield f"{base} is announced to stop on {last}, in {(last - today).days} days, and its students with it"
    if prices.training_usd(base, 1) is None:
        yield f"what training {base} costs is not known; set `training` under [prices] in nodes/models.toml"
    if order.validation is None:
        yield "no validation file: the provider will not tell when the student begins to learn by heart"
