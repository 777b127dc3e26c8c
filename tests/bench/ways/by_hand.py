"""The floor: the five steps by hand on asyncio and aiohttp, no framework, no records, no gates."""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
from pydantic import BaseModel

from pharmacy.domain.model import Prompt
from pharmacy.models.wire_schema import response_format
from tests.bench.ways import cpu
from tests.bench.ways.steps import DRAFTS, Steps

MODEL = "gpt-4o-2024-08-06"


class _Formats(dict[type[BaseModel], Any]):
    def __missing__(self, schema: type[BaseModel]) -> Any:
        return self.setdefault(schema, response_format(schema))


class ByHand:
    """One session for all messages."""

    def __init__(self, steps: Steps, url: str) -> None:
        self._steps, self._url = steps, f"{url}/chat/completions"
        self._formats = _Formats()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def answer(self, number: int) -> None:
        """Take message `number` through the steps, one after the other."""
        await self._ask(*self._steps.classify(number))
        await self._ask(*self._steps.switch_phase(number))
        previous, reasons = list[str](), ""
        for _ in range(DRAFTS):
            said = json.dumps(previous, ensure_ascii=False)
            draft = (await self._ask(*self._steps.generate(number, said, reasons)))["reply"]
            verdict = await self._ask(*self._steps.judge(number, draft))
            if self._steps.clears(verdict):
                return
            previous.append(draft)
            reasons = "\n".join(one["reason"] for one in verdict.values())

    cpu_seconds = staticmethod(cpu.own)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _ask(self, prompt: Prompt, schema: type[BaseModel]) -> Mapping[str, Any]:
        messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
        body = {"model": MODEL, "messages": messages, "response_format": self._formats[schema]}
        async with self._session.post(self._url, json=body, headers={"authorization": "Bearer sk-bench"}) as answer:
            given = json.loads(await answer.read())
        content = given["choices"][0]["message"]["content"]
        schema.model_validate_json(content)
        return dict(json.loads(content))
