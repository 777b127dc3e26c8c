"""Play patients and the pharmacist who knows what is right, over the public HTTP calls alone."""

import asyncio
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.circle.truth import Message, Talk

PHASE = "intake"
"""No message of the circle moves the phase."""

WAIT_SECONDS = 60
_STYLE = 5
"""One good draft in so many is sent in the pharmacist's own style: the label that a person wrote it is strong then."""

_OWN_REPLY = "お問い合わせありがとうございます。担当の者が確認してご連絡します。"
_LABEL = "The label says so."
_SENT_SECONDS = 0.1
_BUSY, _BUSY_SECONDS = 503, 1.0


@dataclass(frozen=True)
class Wish:
    """How the pharmacist decides."""

    turn_down: Mapping[str, str] = field(default_factory=dict)
    """Node to model: what that model had a part in is turned down, right or wrong."""


class Player:
    """Speaks with one running pharmacy."""

    def __init__(self, http: httpx2.AsyncClient, wish: Wish) -> None:
        self._http = http
        self._wish = wish
        self.counts: Counter[str] = Counter()
        """What became of the messages."""

        self.counts["turned_down"] = 0
        self.cost_usd = 0.0

    async def play(self, talks: Iterable[Talk], at_once: int, told: Callable[[], None]) -> Counter[str]:
        """Play every conversation, so many beside each other; what was played before is left as it is."""
        waiting = iter(talks)

        async def one_after_another() -> None:
            for talk in waiting:
                await self._talk(talk)
                told()

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(one_after_another())
        return self.counts

    async def _talk(self, talk: Talk) -> None:
        for number, message in enumerate(talk.messages):
            body = {"conversation_id": talk.id, "text": message.text, "message_id": f"{talk.id}-{number}",
                    "patient": dict(talk.patient)}  # fmt: skip
            came = await self._asked("POST", "/v1/messages", body, params={"wait": WAIT_SECONDS})
            self.counts[f"outcome_{came.get('outcome', 'none')}"] += 1
            self.cost_usd += came.get("cost_usd") or 0.0
            self.counts[f"category_{'right' if came.get('category') == message.category else 'wrong'}"] += 1
            await self._decide(talk, message, came)
            if number + 1 < len(talk.messages):
                await self._sent(talk.id)  # who writes again has read the answer

    async def _decide(self, talk: Talk, message: Message, came: Mapping[str, Any]) -> None:
        if suggestion := came.get("suggestion_id"):
            name, body = self._decision(talk, message, came)
            self.counts[f"decided_{name}"] += 1
            await self._asked("POST", f"/v1/suggestions/{suggestion}/{name}", {"version": came["version"], **body})
            if name == "reject":
                await self._close(talk.id, came["version"])
        elif came.get("handover_id"):
            await self._answer(talk.id, message, came)

    def _decision(self, talk: Talk, message: Message, came: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        draft, right = came["reply"], message.category
        text = message.reply or draft
        if turned := [node for node, model in self._wish.turn_down.items() if came["models"].get(node) == model]:
            self.counts["turned_down"] += 1
            if "classify" in turned:
                return "edit", {"text": text, "category": _other_than(str(came["category"])), "cause": "incomplete"}
            return "reject", {"reason": "medically_wrong"}
        fields = {} if came["phase"] == PHASE else {"phase": PHASE}
        if came["category"] != right:
            return "edit", {"text": text, "category": right, "cause": "incomplete", **fields}
        if message.must and not message.takes(draft):
            if _drawn(talk.id + message.kind) % 3 == 0:
                return "reject", {"reason": "missing_information"}
            return "edit", {"text": text, "cause": "wrong_fact", **fields}
        if fields:
            return "edit", {"text": draft, "cause": "phase", **fields}
        if message.reply and _drawn(talk.id + message.kind) % _STYLE == 0:
            return "edit", {"text": message.reply, "cause": "style"}
        return "approve", {}

    async def _answer(self, conversation: str, message: Message, came: Mapping[str, Any]) -> None:
        """Answer in person what no machine may, and say what it was about."""
        turned = self._turns_down(came)
        self.counts["turned_down"] += turned
        right = _other_than(str(came["category"])) if turned else message.category
        fields = {"category": right} if came["category"] != right else {}
        fields |= {"phase": PHASE} if came["phase"] != PHASE else {}
        if fields:
            await self._asked("PATCH", f"/v1/conversations/{conversation}", fields)
        self.counts["decided_in_person"] += 1
        body = {"version": came["version"], "text": _OWN_REPLY, "closes": came["handover_id"]}
        await self._asked("POST", f"/v1/conversations/{conversation}/messages", body)

    def _turns_down(self, came: Mapping[str, Any]) -> bool:
        model = self._wish.turn_down.get("classify")
        return model is not None and came["models"].get("classify") == model

    async def _sent(self, conversation: str) -> None:
        while (await self._asked("GET", f"/v1/conversations/{conversation}", None))["unsent"]:  # noqa: ASYNC110 (over HTTP)
            await asyncio.sleep(_SENT_SECONDS)

    async def _close(self, conversation: str, version: int) -> None:
        """Close the case that a refusal has left."""
        params = {"conversation_id": conversation}
        for case in (await self._asked("GET", "/v1/handovers", None, params=params))["items"]:
            await self._asked("POST", f"/v1/handovers/{case['id']}/resolve", {"version": version})

    async def _asked(self, method: str, path: str, body: Any, params: Any = None) -> dict[str, Any]:
        answer = await self._http.request(method, path, json=body, params=params)
        while answer.status_code == _BUSY:  # nothing was written, says the answer; every call here may be repeated
            self.counts["busy"] += 1
            await asyncio.sleep(_BUSY_SECONDS)
            answer = await self._http.request(method, path, json=body, params=params)
        if answer.status_code == 409:  # decided when it was played before
            self.counts["already"] += 1
            return {}
        if answer.status_code == 422 and "text" in (body or {}) and "reason" not in body:
            # The output gate holds what some labels say; a pharmacist may say it, and nobody learns from it.
            return await self._asked(method, path, {**body, "reason": _LABEL}, params)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return dict(answer.json())


def _other_than(category: str) -> str:
    return "follow_up" if category != "follow_up" else "order_delivery"


def _drawn(words: str) -> int:
    return zlib.crc32(words.encode())
