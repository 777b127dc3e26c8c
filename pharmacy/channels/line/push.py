"""Send by LINE's push: one retry key per text, the same for every attempt, by which LINE drops repeats."""

import math
from typing import Any

import httpx2

from pharmacy.channels.delivery import Attempt, Delivery
from pharmacy.channels.line.split import TooLong, pieces_of

API = "https://api.line.me"
TIMEOUT_SECONDS = 10.0
_MONTHLY = "monthly limit"
"""LINE says so in the message of a 429 that no waiting will cure before the month ends."""

_REFUSALS = {
    400: "LINE refuses the text or no longer knows the patient (400)",
    401: "LINE refuses the access token (401); an engineer has to renew LINE_CHANNEL_ACCESS_TOKEN",
    403: "LINE does not let this account send (403); its plan or its rights do not allow it",
    404: "LINE does not find the patient (404); the patient may have left the account",
}


class LinePush:
    """LINE's push endpoint."""

    def __init__(self, base: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.url = f"{base or API}/v2/bot/message/push"
        self._client = httpx2.AsyncClient(timeout=timeout_seconds, follow_redirects=False)

    async def push(self, access_token: str, user_id: str, text: str, retry_key: str) -> Attempt:
        """Push `text` once, in as many pieces as it needs; the pieces arrive together or not at all.

        Source: https://developers.line.biz/en/reference/messaging-api/#send-push-message and #retry-api-request
        """
        try:
            pieces = pieces_of(text)
        except TooLong as error:
            return Attempt(Delivery.REFUSED, f"too long for LINE: {error}")
        body = {"to": user_id, "messages": [{"type": "text", "text": piece} for piece in pieces]}
        headers = {"Authorization": f"Bearer {access_token}", "X-Line-Retry-Key": retry_key}
        try:
            response = await self._client.post(self.url, json=body, headers=headers)
        except httpx2.HTTPError as error:
            return Attempt(Delivery.AGAIN, f"{type(error).__name__} at LINE")
        return _read(response)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()


def _read(response: httpx2.Response) -> Attempt:
    status = response.status_code
    if 200 <= status < 300:
        return Attempt(Delivery.SENT, f"LINE answered {status}")
    if status == 409:
        return Attempt(Delivery.SENT, "LINE answered 409: it had taken the text before, under the same key")
    if status == 429 and _MONTHLY in _message(response):
        return Attempt(Delivery.REFUSED, "LINE's monthly quota is used up (429); raise it, or answer another way")
    if status >= 500 or status in (408, 425, 429):
        return Attempt(Delivery.AGAIN, f"LINE answered {status}", _wait(response))
    return Attempt(Delivery.REFUSED, _REFUSALS.get(status, f"LINE refuses the text ({status})"))


def _message(response: httpx2.Response) -> str:
    # Read to know one sentence of LINE's, and never repeated: an answer may quote what was sent.
    try:
        body: Any = response.json()
    except (ValueError, RecursionError):
        return ""
    said = body.get("message") if isinstance(body, dict) else None
    return said.lower() if isinstance(said, str) else ""


def _wait(response: httpx2.Response) -> float | None:
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), 900.0) if math.isfinite(seconds) else None
