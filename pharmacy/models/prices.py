"""What a call costs, by the dated price file; an unknown price is unknown, never nothing."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, Field

from pharmacy.domain.toml_file import TomlFile
from pharmacy.models.model_name import ModelRef, undated
from pharmacy.models.tables import Price
from pharmacy.models.usage import Usage

PRICED_PROVIDER = "openai"
"""The shipped prices are those of this endpoint; another maker's same name says nothing of its price."""

_PER_MILLION = 1_000_000


class _Batch(BaseModel):
    share: float = Field(gt=0, le=1)


@dataclass(frozen=True)
class Prices:
    """All known prices."""

    own: Mapping[str, Price] = field(default_factory=dict)
    """`provider:name` to a price that the pharmacy wrote itself."""

    def of(self, ref: ModelRef) -> Price | None:
        """Return the price of a model, or None when nobody knows it."""
        if str(ref) in self.own:
            return self.own[str(ref)]
        if ref.provider != PRICED_PROVIDER:
            return None
        shipped = _shipped()
        return shipped.get(ref.name) or shipped.get(undated(ref.name))

    def cost_usd(self, asked: ModelRef, served: str | None, usage: Usage) -> float | None:
        """Return what a call cost in US dollars; None when the price is unknown.

        The model that served sets the price; where its name has none, the one that was asked.
        """
        if asked.is_local or usage.prompt_tokens == usage.completion_tokens == 0:
            return 0.0
        price = (self.of(ModelRef(asked.provider, served)) if served else None) or self.of(asked)
        return None if price is None else _cost(price, usage)

    def batch_usd(self, asked: ModelRef, served: str | None, usage: Usage) -> float | None:
        """Return what an answer in a batch cost; None where its price, or a batch's share of it, is unknown."""
        cost, share = self.cost_usd(asked, served, usage), _batch_share()
        own = self.own.get(str(asked))
        if own is not None:
            share = own.batch_share
        elif asked.provider != PRICED_PROVIDER:
            share = None
        return None if cost is None or share is None else cost * share

    def most_usd(self, asked: ModelRef, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Return the most that so many tokens can cost; None when the price is unknown."""
        price = self.of(asked)
        return None if price is None else _most(price, prompt_tokens, completion_tokens)

    def training_usd(self, base: ModelRef, trained_tokens: int) -> float | None:
        """Return what training `base` on so many tokens costs, passes counted; None when the price is unknown."""
        price = self.of(base)
        return None if price is None or price.training is None else trained_tokens * price.training / _PER_MILLION

    def guess_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return what so many tokens would cost at the dearest price there is: for a model whose price is unknown."""
        known = [*_shipped().values(), *self.own.values()]
        return max(_most(price, prompt_tokens, completion_tokens) for price in known)


def _cost(price: Price, usage: Usage) -> float:
    fresh = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
    write_price = price.input if price.cache_write is None else price.cache_write
    total = (
        fresh * price.input
        + usage.cached_tokens * price.cached
        + usage.cache_write_tokens * write_price
        + usage.completion_tokens * price.output
    )
    return total / _PER_MILLION


def _most(price: Price, prompt_tokens: int, completion_tokens: int) -> float:
    dearest_input = max(price.input, price.cached, price.cache_write or 0.0)
    return (prompt_tokens * dearest_input + completion_tokens * price.output) / _PER_MILLION


@functools.cache
def _batch_share() -> float | None:
    return TomlFile.read(Path(__file__).with_name("prices.toml")).table(("batch",), _Batch).share


@functools.cache
def _shipped() -> Mapping[str, Price]:
    return TomlFile.read(Path(__file__).with_name("prices.toml")).table(("models",), dict[str, Price])
