"""The models of this process, each made once: endpoints with their HTTP client, and local models by name."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.model import ChatModel
from pharmacy.models.breaker import Breaker
from pharmacy.models.credentials import credentials_of
from pharmacy.models.local_adapter import LocalModel
from pharmacy.models.model_name import ModelRef
from pharmacy.models.tables import ModelTables, NodeTable
from pharmacy.models.tried import Target

if TYPE_CHECKING:
    from pharmacy.models.endpoint import LiveEndpoint


class Targets:
    """Every model that has been asked for so far."""

    def __init__(
        self, tables: ModelTables, local_model: Callable[[str], ChatModel], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tables = tables
        self._local_model = local_model
        self._clock = clock
        self._endpoints: dict[str, LiveEndpoint] = {}
        self._made: dict[tuple[str, str], Target] = {}

    def open_endpoint(self, name: str, environ: Mapping[str, str]) -> None:
        """Make the endpoint `name` ready, once; a name without a table, such as `local`, needs none.

        Raises:
            ConfigError: its address or key is not as it must be.
        """
        if name in self._endpoints or name not in self._tables.endpoints:
            return
        # Importing ChatOpenAI takes seconds, which a process of local models need not spend.
        from pharmacy.models.endpoint import LiveEndpoint

        found = credentials_of(name, self._tables.endpoints[name], environ)
        self._endpoints[name] = LiveEndpoint(found.base_url, found.key, Breaker(name, self._clock), found.headers)

    def target(self, node: str, table: NodeTable, ref: str) -> Target:
        """Return the model `ref` as `node` asks it, made at first need.

        Raises:
            ConfigError: its endpoint is not one in use.
        """
        if (node, ref) not in self._made:
            self._made[node, ref] = self._make(node, table, ModelRef.read(ref))
        return self._made[node, ref]

    @property
    def open_breakers(self) -> tuple[str, ...]:
        """Names of the endpoints that are not called at present."""
        return tuple(name for name, endpoint in self._endpoints.items() if endpoint.breaker.is_open)

    async def aclose(self) -> None:
        """Close all connections."""
        for endpoint in self._endpoints.values():
            await endpoint.aclose()

    def _make(self, node: str, table: NodeTable, ref: ModelRef) -> Target:
        if ref.is_local:
            return LocalModel(ref, self._local_model(ref.name), table.timeout_seconds)
        if ref.provider not in self._endpoints:
            raise ConfigError(f"{str(ref)!r}: its endpoint is none of {[*self._endpoints]} in use")
        return self._endpoints[ref.provider].model(ref, table, node)
