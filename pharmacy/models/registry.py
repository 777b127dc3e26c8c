"""All models of this process, built once at start from the node tables and the environment."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Literal, Self
from uuid import uuid4

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.model import ChatModel
from pharmacy.domain.pace import Priority
from pharmacy.domain.serving import Serving
from pharmacy.models.advice import advice_on
from pharmacy.models.beside import Beside
from pharmacy.models.budget import Budget, Purse
from pharmacy.models.credentials import speaks_openai
from pharmacy.models.ledger import Ledger
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import Prices
from pharmacy.models.retry_policy import RetryPolicy
from pharmacy.models.run_models import RunModels
from pharmacy.models.serving import check_serving, first_serving
from pharmacy.models.slots import Queue, Slots
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
        retry: RetryPolicy,
    ) -> None:
        self.mode: Mode = mode
        self.tables = tables
        self.retry = retry
        self.warnings: tuple[str, ...] = ()
        """What a person should know at start; one sentence each."""

        self.queue: Queue | None = None
        """What all processes count their calls by, given once the database is open; without it nothing limits them."""

        self._fingerprints = fingerprints
        self._prices = Prices(tables.prices)
        self._clock = clock
        self._serving = {node: first_serving(table) for node, table in tables.nodes.items()}
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
            retry: how often one model is tried.
            today: the day to hold announced last days against.

        Raises:
            ConfigError: a model, key, address or student is not as it must be.
        """
        chosen = _mode(tables, mode, environ)
        load = local_model or _shipped_local_model
        made = cls(tables, fingerprints, chosen, local_model=load, clock=clock, retry=retry or RetryPolicy())
        made._make_all(environ)
        if chosen == "openai":
            made.warnings = advice_on(tables, made._prices, today or datetime.now(UTC).date())
        return made

    def for_run(
        self,
        deadline_seconds: float,
        calls: int,
        purse: Purse | None = None,
        *,
        conversation: str | None = None,
        decided: Mapping[str, Serving] | None = None,
        priority: Priority = Priority.BACKGROUND,
    ) -> RunModels:
        """Return the models of one message, whose time starts now and which may make so many calls.

        Args:
            purse: bounds what a day may cost; without one nothing does.
            conversation: `PHARMACY/CONVERSATION`, by which shares are drawn; without one they are drawn at random.
            decided: node to who serves it, where the file's word no longer holds.
            priority: whom it is for, where what may be asked of a model is limited.
        """
        ledger = self._ledger(deadline_seconds, calls, purse, priority)
        serving = {node: self.serving(node, (decided or {}).get(node)) for node in self.tables.nodes}
        return RunModels(self, ledger, serving, conversation or uuid4().hex)

    def for_beside(self, deadline_seconds: float, calls: int, purse: Purse | None = None) -> RunModels:
        """Return models to be asked by name beside a reply: their failures close no endpoint to any reply."""
        ledger = self._ledger(deadline_seconds, calls, purse, Priority.BACKGROUND)
        return RunModels(Beside(self, self.retry), ledger, {}, "")

    def serving(self, node: str, decided: Serving | None = None) -> Serving:
        """Return who serves `node`: as decided, else as the file says; the teacher where the student may not."""
        serving = decided or self._serving[node]
        return Serving("teacher") if self.why_not(node, serving) else serving

    def why_not(self, node: str, serving: Serving) -> str | None:
        """Return why `serving` cannot hold, in words that name the fix; None where it can."""
        try:
            check_serving(node, self.table(node), serving, self._fingerprints)
        except ConfigError as error:
            return str(error)
        return None

    def describe(self, node: str) -> str:
        """Return the model that writes `node`'s first answer as the file says, as `provider:name`."""
        student = self.student_of(node) if self.serving(node).by == "student" else None
        return student or self.teacher_of(node)

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

    def fingerprint_of(self, node: str) -> str:
        """Return the fingerprint of the node's prompt as it now stands."""
        return self._fingerprints[node]

    def open_for(self, refs: Iterable[str], environ: Mapping[str, str]) -> None:
        """Make ready the endpoints of models that no table names, such as those on trial.

        Raises:
            ConfigError: an endpoint is not known, or its address or key is not as it must be.
        """
        for ref in map(ModelRef.read, refs):
            if not ref.is_local and ref.provider not in self.tables.endpoints:
                raise ConfigError(f"{str(ref)!r}: its endpoint is none of {[*self.tables.endpoints]}")
            self._targets.open_endpoint(ref.provider, environ)

    def teacher_of(self, node: str) -> str:
        """Return the model that students are measured by: in local mode the local one stands in for the teacher."""
        return self.table(node).local if self.mode == "local" else self.table(node).teacher

    def student_of(self, node: str) -> str | None:
        """Return the node's student; None where it has none, or one that this mode cannot ask."""
        student = self.table(node).student
        if student is None or (self.mode == "local" and not ModelRef.read(student.model).is_local):
            return None
        return student.model

    def student_drafts_of(self, node: str) -> int:
        """Return how many drafts of a message the node's student may write before its teacher does."""
        student = self.table(node).student
        return 1 if student is None else student.drafts

    def fallback_of(self, node: str) -> str | None:
        """Return the model that is asked when the serving one cannot be had."""
        return None if self.mode == "local" else self.table(node).fallback

    def cheaper_of(self, node: str) -> str | None:
        """Return the model that is asked in place of dearer ones once a budget is nearly used up."""
        return None if self.mode == "local" else self.table(node).cheaper

    def target(self, node: str, ref: str) -> Target:
        """Return the model `ref` as `node` asks it.

        Raises:
            ConfigError: its endpoint is not one in use.
        """
        return self._targets.target(node, self.table(node), ref)

    def _ledger(self, deadline_seconds: float, calls: int, purse: Purse | None, priority: Priority) -> Ledger:
        slots = Slots(self.tables.model_limits, self.queue, priority)
        return Ledger(deadline_seconds, calls, self._prices, self._clock, Budget(purse, self._prices), slots)

    def _make_all(self, environ: Mapping[str, str]) -> None:
        for node, table in self.tables.nodes.items():
            if self.mode == "openai":
                check_serving(node, table, self._serving[node], self._fingerprints)
            local = dict.fromkeys(ref for ref in (table.local, self.student_of(node)) if ref)
            for ref in local if self.mode == "local" else table.refs:
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
