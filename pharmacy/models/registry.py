"""All models of this process, built once at start from the node tables and the environment."""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Literal, Self

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.model import ChatModel
from pharmacy.models.advice import advice_on
from pharmacy.models.budget import Budget, Purse
from pharmacy.models.credentials import speaks_openai
from pharmacy.models.ledger import Ledger
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.retry_policy import RetryPolicy
from pharmacy.models.run_models import RunModels
from pharmacy.models.serving import Serving, check_serving
from pharmacy.models.tables import ModelTables, NodeTable
from pharmacy.models.targets import Targets
from pharmacy.models.tried import Target

Mode = Literal["openai", "local"]
DEFAULT_ENDPOINT = "openai"


class Registry:
    """Every node's models. Made by `build`."""

    def __init__(
        self,
        tables: ModelTables,
        fingerprints: Mapping[str, str],
        mode: Mode,
        *,
        local_model: Callable[[str], ChatModel],
        clock: Callable[[], float],
        draw: Callable[[], float],
        retry: RetryPolicy,
    ) -> None:
        self.mode: Mode = mode
        self.tables = tables
        self.retry = retry
        self.warnings: tuple[str, ...] = ()
        """What a person should know at start; one sentence each."""

        self._fingerprints = fingerprints
        self._prices = Prices(tables.prices)
        self._clock = clock
        self._draw = draw
        self._serving = {node: Serving.of(table) for node, table in tables.nodes.items()}
        self._targets = Targets(tables, local_model, clock)

    @classmethod
    def build(
        cls,
        tables: ModelTables,
        fingerprints: Mapping[str, str],
        mode: str,
        environ: Mapping[str, str],
        *,
        local_model: Callable[[str], ChatModel] | None = None,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        retry: RetryPolicy | None = None,
        today: date | None = None,
    ) -> Self:
        """Return the registry, with every model that the tables name ready to be called.

        Args:
            tables: what nodes/models.toml says.
            fingerprints: node to the fingerprint of its prompt as it now stands.
            mode: `openai`, `local`, or `auto`: by whether the environment gives a key or an address for `openai`.
            environ: the environment's variables.
            local_model: gives a local model by name; None takes the shipped ones.
            clock: monotonic seconds, for deadlines and breakers.
            draw: a number from 0 up to 1, for canary and shadow shares.
            retry: how often one model is tried.
            today: the day to hold announced last days against.

        Raises:
            ConfigError: a model, key, address or student is not as it must be.
        """
        chosen = _mode(tables, mode, environ)
        load = local_model or _shipped_local_model
        made = cls(tables, fingerprints, chosen, local_model=load, clock=clock, draw=draw, retry=retry or RetryPolicy())
        made._make_all(environ)
        if chosen == "openai":
            made.warnings = advice_on(tables, made._prices, today or datetime.now(UTC).date())
        return made

    def for_run(self, deadline_seconds: float, calls: int, purse: Purse | None = None) -> RunModels:
        """Return the models of one message, whose time starts now and which may make so many calls.

        Args:
            purse: bounds what a day may cost; without one nothing does.
        """
        budget = Budget(purse, self._prices)
        return RunModels(self, Ledger(deadline_seconds, calls, self._prices, self._clock, budget), self._draw)

    def serve(self, node: str, serving: Serving) -> None:
        """Let `serving` hold from the next run on.

        Raises:
            ConfigError: the student is not there, or was trained under another prompt.
        """
        check_serving(node, self.table(node), serving, self._fingerprints)
        self._serving[node] = serving

    def serving(self, node: str) -> Serving:
        """Return who serves `node` now."""
        return self._serving[node]

    def describe(self, node: str) -> str:
        """Return the model that writes `node`'s first answer, as `provider:name`."""
        table, serving = self.table(node), self._serving[node]
        if self.mode == "local":
            return table.local
        by_student = table.student is not None and serving.by == "student"
        return table.student.model if by_student and table.student else table.teacher

    @property
    def open_breakers(self) -> tuple[str, ...]:
        """Names of the endpoints that are not called at present."""
        return self._targets.open_breakers

    async def aclose(self) -> None:
        """Close all connections."""
        await self._targets.aclose()

    def table(self, node: str) -> NodeTable:
        """Return the node's table.

        Raises:
            ConfigError: it has none.
        """
        if node not in self.tables.nodes:
            raise ConfigError(f"{self.tables.path}: has no table [{node}]; expected one of {[*self.tables.nodes]}")
        return self.tables.nodes[node]

    def local_of(self, node: str) -> str | None:
        """Return the local model that stands in for every model of `node`; None outside local mode."""
        return self.table(node).local if self.mode == "local" else None

    def target(self, node: str, ref: str) -> Target:
        """Return the model `ref` as `node` asks it.

        Raises:
            ConfigError: its endpoint is not one in use.
        """
        return self._targets.target(node, self.table(node), ref)

    def _make_all(self, environ: Mapping[str, str]) -> None:
        for node, table in self.tables.nodes.items():
            if self.mode == "openai":
                check_serving(node, table, self._serving[node], self._fingerprints)
            for ref in [table.local] if self.mode == "local" else table.refs:
                self._targets.open_endpoint(ModelRef.read(ref).provider, environ)
                self.target(node, ref)


def _mode(tables: ModelTables, mode: str, environ: Mapping[str, str]) -> Mode:
    if mode not in ("auto", "openai", "local"):
        raise ConfigError(f"models mode: {mode!r}; expected 'auto', 'openai' or 'local'")
    if mode == "auto":
        return "openai" if speaks_openai(tables.endpoints.get(DEFAULT_ENDPOINT), environ) else "local"
    return "openai" if mode == "openai" else "local"


def _shipped_local_model(name: str) -> ChatModel:
    from pharmacy.models.local.load import local_model

    return local_model(name)
