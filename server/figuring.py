"""A pharmacy's figures with their prices: the same for the API's call, the command and the console's page."""

from collections.abc import Mapping
from dataclasses import dataclass

from pharmacy.domain.budget import Rate
from pharmacy.domain.figures import Asked, Counted
from pharmacy.domain.numbers import Figures
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.registry import Registry
from pharmacy.models.usage import Usage
from pharmacy.settings import Settings
from pharmacy.storage import figures, numbers
from pharmacy.storage.database import Database
from server.numbering import Period


@dataclass(frozen=True)
class Saved:
    """What a node's calls cost, beside what the same tokens would at the teacher's price."""

    teacher: str
    cost_usd: float | None
    """None while the price of any call is unknown."""

    teacher_usd: float | None
    """None where nobody knows the teacher's price."""

    @property
    def saved_usd(self) -> float | None:
        """What was saved; below 0 where more was spent. None where either is unknown."""
        return None if self.cost_usd is None or self.teacher_usd is None else self.teacher_usd - self.cost_usd


@dataclass(frozen=True)
class Priced:
    """The figures of a period, and what money is counted by."""

    period: Period
    counted: Counted
    drafts: Mapping[numbers.Key, Figures]
    """What became of drafts, by the keys of `pharmacy.storage.numbers`."""

    saved: Mapping[str, Saved]
    """Node to what its calls cost and would have."""

    rate: Rate
    rate_is_own: bool
    """Whether the pharmacy has stated the rate; as shipped it is an assumption. Likewise `pharmacist_is_own`."""

    pharmacist: Rate
    """The yen that a message costs which a pharmacist answers by hand, and the day that was stated."""

    pharmacist_is_own: bool

    @property
    def saved_in_all(self) -> Saved:
        """All nodes together; unknown where one of them is."""
        costs = [one.cost_usd for one in self.saved.values()]
        teachers = [one.teacher_usd for one in self.saved.values()]
        return Saved(", ".join(sorted({one.teacher for one in self.saved.values()})), _sum(costs), _sum(teachers))


async def figures_of(
    database: Database, settings: Settings, registry: Registry, pharmacy_id: str, period: Period
) -> Priced:
    """Count the whole pharmacy's figures of `period`."""
    days = numbers.Asked(pharmacy_id, period.first, period.last)
    async with database.begin(pharmacy_id) as tx:
        counted = await figures.count(tx, days)
        drafts = await numbers.decided(tx, days)
    stated = settings.model_fields_set
    return Priced(
        period, counted, drafts, _saved(counted, registry), Rate.read(settings.yen_per_usd), "yen_per_usd" in stated,
        Rate.read(settings.pharmacist_yen), "pharmacist_yen" in stated,
    )  # fmt: skip


def _saved(counted: Counted, registry: Registry) -> dict[str, Saved]:
    prices, by_node = Prices(registry.tables.prices), counted.asked_by(1)
    return {
        str(node): Saved(teacher, asked.cost_usd, _at(prices, teacher, asked))
        for node, asked in sorted(by_node.items(), key=lambda pair: str(pair[0]))
        if (teacher := _teacher(registry, str(node)))
    }


def _teacher(registry: Registry, node: str) -> str | None:
    """Return the file's teacher, in local mode too: what was saved is saved against what would be paid."""
    return registry.tables.nodes[node].teacher if node in registry.tables.nodes else None


def _at(prices: Prices, teacher: str, asked: Asked) -> float | None:
    usage = Usage(asked.prompt_tokens, asked.cached_tokens, asked.completion_tokens)
    return prices.cost_usd(ModelRef.read(teacher), None, usage)


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
