"""The `api` channel: a reply is a message of its conversation, and is posted, signed, where the pharmacy asks."""

import json
from typing import Any

from pharmacy.channels.attempts import Call, attempt, read
from pharmacy.channels.delivery import Attempt, Delivery, Parcel
from pharmacy.channels.signed_post import TIMEOUT_SECONDS, Answer, Poster, signed

NAME = "KAKARI_DELIVERY_URL"


class ApiChannel:
    """Posts replies to one address; without an address a reply is only kept as a message."""

    def __init__(self, url: str | None, secret: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.url = url
        self._secret = secret.encode()
        self._poster = Poster(timeout_seconds)

    async def deliver(self, parcel: Parcel) -> Attempt:
        """Post `parcel` once, signed; a 2xx and a 409 both mean sent."""
        if self.url is None:
            return Attempt(Delivery.SENT, "kept as a message")
        body = json.dumps(_body(parcel), ensure_ascii=False).encode()
        headers = signed(self._secret, body, parcel.retry_key)
        return await attempt(self._poster, Call(self.url, body, headers, parcel.good_until), NAME, _read)

    async def close(self) -> None:
        """Give the connections back."""
        await self._poster.close()


def _body(parcel: Parcel) -> dict[str, Any]:
    return {
        "retry_key": parcel.retry_key,
        "conversation_id": parcel.conversation_id,
        "patient_id": parcel.recipient,
        "text": parcel.text,
        "author": parcel.author,
    }


def _read(answer: Answer) -> Attempt:
    return read(answer, f"{NAME} answered {answer.status}")
