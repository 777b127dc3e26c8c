"""One endpoint, ready to be called: its address, its key, one pool of connections, one breaker, one chat per model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic import SecretStr

from pharmacy.models.breaker import Breaker
from pharmacy.models.keeping import keeps
from pharmacy.models.known_models import takes_temperature
from pharmacy.models.lean_chat import LeanChat
from pharmacy.models.model_name import ModelRef
from pharmacy.models.openai_adapter import OpenAIModel
from pharmacy.models.start_gate import StartGate
from pharmacy.models.tables import NodeTable
from pharmacy.models.transport import Transport
from pharmacy.tls import tls


@dataclass
class LiveEndpoint:
    """An endpoint that runs call."""

    base_url: str
    key: str = field(repr=False)
    breaker: Breaker
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    transport: Transport = field(init=False)
    clients: tuple[httpx2.AsyncClient, httpx2.Client] = field(init=False)
    """Never called: ChatOpenAI makes its own, with its own certificates, unless it is given some."""

    gate: StartGate = field(default_factory=StartGate)

    def __post_init__(self) -> None:
        self.transport = Transport(self.base_url, self.key, self.headers)
        self.clients = httpx2.AsyncClient(verify=tls()), httpx2.Client(verify=tls())

    def model(self, ref: ModelRef, table: NodeTable, node: str = "") -> OpenAIModel:
        """Return the model `ref` as `node` of `table` asks it."""
        drawn = sampling(ref, table)
        chat = LeanChat.on(
            self.transport,
            model=ref.name,
            base_url=self.base_url,  # always given: unset, other variables may send words and keys elsewhere
            api_key=SecretStr(self.key),
            http_async_client=self.clients[0],
            http_client=self.clients[1],
            max_retries=0,
            use_responses_api=False,
            disable_streaming=True,
            stream_usage=True,
            max_completion_tokens=table.max_output_tokens,
            **drawn,
        )
        return OpenAIModel(
            ref, chat, self.transport, drawn, self.breaker, self.gate, table.timeout_seconds, table.max_output_tokens,
            keeps(node, ref, table),
        )  # fmt: skip

    async def aclose(self) -> None:
        """Close all connections."""
        await self.transport.aclose()
        await self.clients[0].aclose()
        self.clients[1].close()


def sampling(ref: ModelRef, table: NodeTable) -> dict[str, Any]:
    """Return how an answer is drawn, as parameters of a chat completion."""
    given: dict[str, Any] = {}
    if table.temperature is not None and takes_temperature(ref.name, table.reasoning_effort):
        given["temperature"] = table.temperature
    if table.reasoning_effort is not None:
        given["reasoning_effort"] = table.reasoning_effort
    return given
