"""The `api` channel: a reply is a message of its conversation, and is posted, signed, where the pharmacy asks."""

import hashlib
import hmac
import json
import math
from typing import Any

import httpx2

from pharmacy.channels.delivery import Attempt, Delivery, Parcel


class ApiChannel:
    """Posts replies to one address; without an address a reply is only kept as a message."""

    def __init__(self, url: str | None, secret: str, timeout_seconds: float = 10.0) -> None:
        self.url = url
        self._secret = secret.encode()
        self._client = httpx2.AsyncClient(timeout=timeout_seconds, follow_redirects=False) if url else None

    async def deliver(self, parcel: Parcel) -> Attempt:
        """Post `parcel` once.

        Headers: `X-Kakari-Retry-Key`, and `X-Kakari-Signature: sha256=<hex HMAC-SHA256 of the raw body>`.
        A 2xx and a 409 (taken before, under the same key) both mean sent.
        """
        if self.url is None or self._client is None:
            return Attempt(Delivery.SENT, "kept as a message")
        body = json.dumps(_body(parcel), ensure_ascii=False).encode()
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Kakari-Retry-Key": parcel.retry_key,
            "X-Kakari-Signature": f"sha256={signature}",
        }
        try:
            response = await self._client.post(self.url, content=body, headers=headers)
        except httpx2.HTTPError as error:
            return Attempt(Delivery.AGAIN, f"{type(error).__name__} at KAKARI_DELIVERY_URL")
        return _read(response.status_code, response.headers.get("retry-after", ""))

    async def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            await self._client.aclose()


def _body(parcel: Parcel) -> dict[str, Any]:
    return {
        "retry_key": parcel.retry_key,
        "conversation_id": parcel.conversation_id,
        "patient_id": parcel.recipient,
        "text": parcel.text,
        "author": parcel.author,
    }


def _read(status: int, retry_after: str) -> Attempt:
    said = f"KAKARI_DELIVERY_URL answered {status}"
    if 200 <= status < 300 or status == 409:
        return Attempt(Delivery.SENT, said)
    # 408, 425 and 429 ask for patience; any other 4xx, and a redirect, will not change by itself.
    again = status >= 500 or status in (408, 425, 429)
    return Attempt(Delivery.AGAIN, said, _seconds(retry_after)) if again else Attempt(Delivery.REFUSED, said)


def _seconds(retry_after: str) -> float | None:
    try:
        seconds = float(retry_after)
    except ValueError:  # a date, or nothing: our own waiting time is then as good
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
