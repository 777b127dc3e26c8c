"""Ask many questions of one model through the provider's Batch API: within a day, at a share of the price.

What is asked is what the live adapter asks, and what comes back is read as it reads it. A batch goes on at the provider
whatever becomes of whoever asked: asked again, the same questions are found again by their key.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import openai
from openai.types import Batch

from pharmacy.domain.errors import ConfigError
from pharmacy.models.batch_lines import URL, Asked, Part, answers_of, parts_of
from pharmacy.models.model_name import ModelRef
from pharmacy.models.openai_client import openai_client
from pharmacy.models.patience import Patience, again_while_it_helps, is_transient
from pharmacy.models.prices import Prices
from pharmacy.models.tables import ModelTables, NodeTable
from pharmacy.models.tried import Tried

__all__ = ["Asked", "BatchProgress", "BatchRefused", "Batched", "Batches", "ask_in_batch", "batches_at"]

KEY = "kakari_batch"
KEPT_SECONDS = 3 * 24 * 3600
"""How long the provider keeps both files: long enough to come back after a weekend's night, and no longer."""

_GOES_ON = ("validating", "in_progress", "finalizing", "completed")
_ENDED = ("completed", "failed", "expired", "cancelled")
_MOST_TOLD = 3


class BatchRefused(Exception):
    """The provider does not take the batch, or cannot be reached: says why, and what is left to do."""


@dataclass(frozen=True)
class Batched:
    """One answer out of a batch."""

    tried: Tried
    cost_usd: float | None
    """At the price of a batch; None when it is unknown."""


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is."""

    batch_id: str
    status: str
    done: int
    """Answered or failed."""

    of: int
    """0 while the provider has not counted them."""


Told = Callable[[BatchProgress], None]


@dataclass(frozen=True)
class Batches:
    """The Batch API of one endpoint."""

    client: openai.AsyncOpenAI
    provider: str
    prices: Prices
    poll_seconds: float = 20.0
    patience: Patience = field(default_factory=Patience)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.client.close()

    async def cancel(self, batch_id: str) -> str:
        """Stop a batch; return its state then. What is answered already stays, and is billed.

        Raises:
            BatchRefused: there is none, or nobody answers.
        """
        try:
            return (await again_while_it_helps(lambda: self.client.batches.cancel(batch_id), self.patience)).status
        except openai.ConflictError:
            return (await self._asked(batch_id)).status
        except openai.APIError as error:
            raise self._told(error) from error

    async def begun(self, part: Part) -> Batch:
        """Return the batch of these questions: one that goes on or is done already, else a new one."""
        for attempt in range(1, self.patience.attempts + 1):
            try:
                # Looked for each time: an answer that was lost has left the batch there.
                return await self._found(part.key) or await self._made(part)
            except openai.APIError as error:
                if attempt == self.patience.attempts or not is_transient(error):
                    raise self._told(error) from error
                await asyncio.sleep(self.patience.wait_seconds(error, attempt))
        raise AssertionError("the last attempt returns or raises")

    async def ended(self, batch: Batch, told: Told) -> Batch:
        """Return the batch once it has ended, however it did."""
        while True:
            counts = batch.request_counts
            done, of = (counts.completed + counts.failed, counts.total) if counts else (0, 0)
            told(BatchProgress(batch.id, batch.status, done, of))
            if batch.status in _ENDED:
                return batch
            await asyncio.sleep(self.poll_seconds)
            batch = await self._asked(batch.id)

    async def lines(self, batch: Batch) -> dict[str, Mapping[str, Any]]:
        """Return `custom_id` to what the batch's files say of it; what is no line of the known form is left out."""
        found: dict[str, Mapping[str, Any]] = {}
        for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
            for line in (await self._content(file_id)).splitlines():
                try:
                    read = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(read, Mapping) and isinstance(read.get("custom_id"), str):
                    found.setdefault(read["custom_id"], read)
        return found

    def refused(self, batch: Batch, part: Part) -> BatchRefused:
        """Return what to tell of a batch that was not begun, each fault with the question it is about."""
        errors = (batch.errors.data if batch.errors else None) or []
        told = [
            f"{part.asked[each.line - 1].id if each.line and each.line <= len(part.asked) else 'the file'}: {each.code}"
            for each in errors[:_MOST_TOLD]
        ]
        more = f" and {len(errors) - _MOST_TOLD} more" if len(errors) > _MOST_TOLD else ""
        said = ", ".join(told) or "it does not say why"
        return BatchRefused(f"{self.provider} does not take the batch {batch.id}: {said}{more}; nothing was asked")

    async def _found(self, key: str) -> Batch | None:
        async for batch in self.client.batches.list(limit=100):
            if batch.created_at < time.time() - KEPT_SECONDS:
                return None
            if (batch.metadata or {}).get(KEY) == key and batch.status in _GOES_ON:
                return batch
        return None

    async def _made(self, part: Part) -> Batch:
        file = await self.client.files.create(
            file=(f"kakari-{part.key}.jsonl", part.content, "application/jsonl"), purpose="batch",
            expires_after={"anchor": "created_at", "seconds": KEPT_SECONDS},
        )  # fmt: skip
        return await self.client.batches.create(
            input_file_id=file.id, endpoint=URL, completion_window="24h", metadata={KEY: part.key},
            output_expires_after={"anchor": "created_at", "seconds": KEPT_SECONDS},
        )  # fmt: skip

    async def _asked(self, batch_id: str) -> Batch:
        try:
            return await again_while_it_helps(lambda: self.client.batches.retrieve(batch_id), self.patience)
        except openai.APIError as error:
            raise self._told(error, batch_id) from error

    async def _content(self, file_id: str) -> str:
        try:
            return (await again_while_it_helps(lambda: self.client.files.content(file_id), self.patience)).text
        except openai.APIError as error:
            raise self._told(error) from error

    def _told(self, error: openai.APIError, batch_id: str = "") -> BatchRefused:
        going = f" The batch {batch_id} goes on there; ask again later." if batch_id else ""
        if not isinstance(error, openai.APIStatusError) or is_transient(error):
            status = error.status_code if isinstance(error, openai.APIStatusError) else type(error).__name__
            return BatchRefused(f"{self.provider} cannot be reached ({status}).{going or ' Try again later.'}")
        if error.status_code == 401:
            return BatchRefused(f"{self.provider} refuses the key (401); expected one that may create batches")
        if error.code == "insufficient_quota":
            return BatchRefused(f"{self.provider}: the account's money is used up (insufficient_quota)")
        return BatchRefused(
            f"{self.provider} refuses it ({error.status_code} {error.code or error.type or ''}).{going}"
        )


def batches_at(provider: str, tables: ModelTables, environ: Mapping[str, str]) -> Batches:
    """Return the Batch API of the endpoint `provider`.

    Raises:
        ConfigError: there is no such endpoint, or its address or key is not as it must be.
    """
    if provider not in tables.endpoints:
        raise ConfigError(f"{provider!r} is no endpoint that takes batches; expected one of {[*tables.endpoints]}")
    return Batches(openai_client(provider, tables.endpoints[provider], environ), provider, Prices(tables.prices))


async def ask_in_batch(
    batches: Batches, ref: ModelRef, table: NodeTable, asked: Sequence[Asked], told: Told = lambda _: None
) -> Mapping[str, Batched]:
    """Return an answer or a failure for each question, by its id; none is left out.

    Whoever is cancelled leaves the batch at work: called again with the same questions, it is found and waited for. A
    batch that expired or was cancelled answers what it came to; the rest fails with its state, and may be asked again.

    Args:
        ref: one model of the endpoint.
        table: the node's, for its limits.
        told: is told how far it is, of each batch whenever it was looked at.

    Raises:
        BatchRefused: the batch was not taken, or its provider cannot be reached.
        ValueError: two questions have the same id.
    """
    parts = parts_of(ref, table, asked)
    begun = [(part, await batches.begun(part)) for part in parts]
    found: dict[str, Batched] = {}
    for part, batch in begun:
        ended = await batches.ended(batch, told)
        if ended.status == "failed":
            raise batches.refused(ended, part)
        said = f"the batch {ended.id} ended as {ended.status!r}"
        for name, tried in answers_of(part, ref, table, await batches.lines(ended), said).items():
            found[name] = Batched(tried, batches.prices.batch_usd(ref, tried.served, tried.usage))
    return found
