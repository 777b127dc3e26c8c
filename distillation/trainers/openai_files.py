"""Hand training files to OpenAI, each once, and take them back when nobody trains on them any more."""

import asyncio
import time
from dataclasses import dataclass
from typing import Literal

import openai

from distillation.trainers.openai_asking import patiently
from distillation.trainers.openai_refusals import told
from distillation.trainers.port import TrainerRefused, TrainerSilent
from distillation.trainers.training_file import TrainingFile
from pharmacy.models.patience import Patience, is_transient

PURPOSE: Literal["fine-tune"] = "fine-tune"
KEPT_SECONDS = 14 * 24 * 3600
"""A file that nobody took back ends by itself; the shortest time that both OpenAI and Azure know."""

READY_SECONDS = 600.0
_STILL_READ = ("uploaded", "pending", "running")
_LIVES_ON_SECONDS = 24 * 3600


@dataclass(frozen=True)
class OpenAIFiles:
    """The files of one endpoint."""

    client: openai.AsyncOpenAI
    provider: str
    patience: Patience

    async def find(self, file: TrainingFile) -> str | None:
        """Return the id of the same file, handed over before; None where there is none that lives on for a day."""

        async def look() -> str | None:
            async for kept in self.client.files.list(purpose=PURPOSE):
                end = kept.expires_at
                lives_on = end is None or end > time.time() + _LIVES_ON_SECONDS
                if kept.filename == _name_of(file) and kept.bytes == len(file.content) and lives_on:
                    return kept.id
            return None

        return await patiently(look, self.patience, self.provider)

    async def put(self, file: TrainingFile) -> str:
        """Return the id of the file, handed over now unless it was before, once it can be trained on.

        Raises:
            TrainerRefused, TrainerSilent
        """
        for attempt in range(1, self.patience.attempts + 1):
            # Looked for each time: an answer that was lost has left the file there.
            if (found := await self.find(file)) is not None:
                return await self._ready(found)
            try:
                made = await self.client.files.create(
                    file=(_name_of(file), file.content, "application/jsonl"),
                    purpose=PURPOSE,
                    expires_after={"anchor": "created_at", "seconds": KEPT_SECONDS},
                )
                return await self._ready(made.id)
            except openai.APIError as error:
                if attempt == self.patience.attempts or not is_transient(error):
                    raise told(error, self.provider) from error
                await asyncio.sleep(self.patience.wait_seconds(error, attempt))
        raise AssertionError("the last attempt returns or raises")

    async def take_back(self, file_id: str) -> bool:
        """Delete a file; False where it was gone already."""

        async def delete() -> bool:
            try:
                return (await self.client.files.delete(file_id)).deleted
            except openai.NotFoundError:
                return False

        return await patiently(delete, self.patience, self.provider)

    async def _ready(self, file_id: str) -> str:
        end = time.monotonic() + READY_SECONDS
        while True:
            file = await patiently(lambda: self.client.files.retrieve(file_id), self.patience, self.provider)
            if file.status == "error":
                raise TrainerRefused(f"{self.provider} cannot read the file: {file.status_details}")
            if file.status not in _STILL_READ:
                return file_id
            if time.monotonic() > end:
                raise TrainerSilent(f"{self.provider} has not read the file {file_id} in {READY_SECONDS:.0f} s")
            await asyncio.sleep(1)


def _name_of(file: TrainingFile) -> str:
    # By its content: the same rows are found again, whatever they are called here.
    return f"kakari-{file.sha256[:32]}.jsonl"
