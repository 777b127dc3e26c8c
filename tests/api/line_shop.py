"""A pharmacy with a LINE account, over the stand-in for LINE."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from pydantic import SecretStr

from pharmacy.settings import Settings
from tests.api.shop import Shop, running
from tests.fakes.line_server import LineFake
from tests.fakes.line_server.events import body_of, sign

SECRET = "line-channel-secret"
WEBHOOK = "/v1/channels/line/webhook"


class LineShop:
    """A running pharmacy, and LINE beside it."""

    def __init__(self, shop: Shop, line: LineFake) -> None:
        self.shop, self.line = shop, line

    async def deliver(self, *events: Any, secret: str = SECRET) -> httpx2.Response:
        """Post `events` in one signed body."""
        return await self.post(body_of(*events), secret=secret)

    async def post(self, raw: bytes, *, secret: str = SECRET, **headers: str) -> httpx2.Response:
        """Post a signed body as it is."""
        signed = {"X-Line-Signature": sign(secret, raw), "Content-Type": "application/json"} | headers
        return await self.shop.stranger.post(WEBHOOK, content=raw, headers=signed)

    async def conversation_of(self, user_id: str) -> str | None:
        """Return the id of the patient's conversation, or None before there is one."""
        found = await self.shop.rows("SELECT conversation_id FROM line_contacts WHERE user_id = :u", u=user_id)
        return found[0].conversation_id if found else None

    async def shown(self, user_id: str) -> dict[str, Any]:
        """Return the patient's conversation as the API shows it."""
        conversation_id = await self.conversation_of(user_id)
        assert conversation_id is not None
        return await self.shop.conversation(conversation_id)

    async def until_shown(self, user_id: str, fits: Any, seconds: float = 60.0) -> dict[str, Any]:
        """Return the patient's conversation as soon as `fits` says so of it."""

        async def look() -> dict[str, Any] | None:
            now = await self.shown(user_id)
            return now if fits(now) else None

        return await self.shop.until(look, seconds)

    async def approved(self, user_id: str) -> dict[str, Any]:
        """Approve the suggestion that the patient's conversation comes to; return the conversation."""
        waiting = await self.until_shown(user_id, lambda now: now["suggestion"])
        suggestion = waiting["suggestion"]
        answer = await self.shop.post(f"/v1/suggestions/{suggestion['id']}/approve", {"version": waiting["version"]})
        assert answer.status_code in (200, 202), answer.text
        return waiting

    async def events(self, state: str | None = None) -> list[dict[str, Any]]:
        """Return LINE's events that are no message."""
        asked = {"state": state} if state else {}
        answer = await self.shop.http.get("/v1/channels/line/events", params={"limit": 200, **asked})
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


@asynccontextmanager
async def line_running(
    settings: Settings, line: LineFake, *, work: bool = True, **more: Any
) -> AsyncIterator[LineShop]:
    """Run a pharmacy with a LINE account while the body does."""
    given = {
        "line_channel_secret": SecretStr(SECRET),
        "line_channel_access_token": SecretStr(line.world.token),
        "line_api_base": line.url,
    } | more
    async with running(settings.model_copy(update=given), work=work) as shop:
        yield LineShop(shop, line)
