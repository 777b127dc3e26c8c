"""Send by LINE's push: one retry key per text, the same for every attempt, by which LINE drops repeats."""

import json
import math
from typing import Any

from pharmacy.channels.attempts import Call, attempt, read
from pharmacy.channels.delivery import Attempt, Delivery
from pharmacy.channels.line.split import TooLong, pieces_of
from pharmacy.channels.signed_post import TIMEOUT_SECONDS, Answer, Poster
from pharmacy.domain.unsent_for import UnsentFor

API = "https://api.line.me"
_MONTHLY = "monthly limit"
"""LINE says so in the message of a 429 that no waiting will cure before the month ends."""

_REFUSALS = {
    400: "LINE refuses the text or no longer knows the patient (400)",
    401: "LINE refuses the access token (401); an engineer has to renew LINE_CHANNEL_ACCESS_TOKEN",
    403: "LINE does not let this account send (403); its plan or its rights do not allow it",
    404: "LINE does not find the patient (404); the patient may have left the account",
}

_CODES = {401: UnsentFor.TOKEN_REFUSED, 403: UnsentFor.NOT_PERMITTED, 404: UnsentFor.PATIENT_UNKNOWN}


class LinePush:
    """LINE's push endpoint."""

    def __init__(self, base: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.url = f"{base or API}/v2/bot/message/push"
        self._poster = Poster(timeout_seconds)

    async def push(
        self, access_token: str, user_id: str, text: str, retry_key: str, good_until: float = math.inf
    ) -> Attempt:
        """Push `text` once, in as many pieces as it needs; the pieces arrive together or not at all.

        Source: https://developers.line.biz/en/reference/messaging-api/#send-push-message and #retry-api-request
        """
        try:
            pieces = pieces_of(text)
        except TooLong as error:
            return Attempt(Delivery.REFUSED, f"too long for LINE: {error}", code=UnsentFor.TOO_LONG_FOR_CHANNEL)
        said = {"to": user_id, "messages": [{"type": "text", "text": piece} for piece in pieces]}
        headers = {"Authorization": f"Bearer {access_token}", "X-Line-Retry-Key": retry_key,
                   "Content-Type": "application/json"}  # fmt: skip
        call = Call(self.url, json.dumps(said, ensure_ascii=False).encode(), headers, good_until)
        return await attempt(self._poster, call, "LINE", _read)

    async def close(self) -> None:
        """Give the connections back."""
        await self._poster.close()


def _read(answer: Answer) -> Attempt:
    if answer.status == 409:
        return Attempt(Delivery.SENT, "LINE answered 409: it had taken the text before, under the same key")
    if answer.status == 429 and _MONTHLY in _message(answer):
        said = "LINE's monthly quota is used up (429); raise it, or answer another way"
        return Attempt(Delivery.REFUSED, said, code=UnsentFor.MONTHLY_QUOTA)
    if answer.taken or answer.may_change:
        return read(answer, f"LINE answered {answer.status}")
    said = _REFUSALS.get(answer.status, f"LINE refuses the text ({answer.status})")
    return Attempt(Delivery.REFUSED, said, code=_CODES.get(answer.status, UnsentFor.RECEIVER_REFUSED))


def _message(answer: Answer) -> str:
    # Read to know one sentence of LINE's, and never repeated: an answer may quote what was sent.
    try:
        body: Any = json.loads(answer.head)
    except (ValueError, RecursionError):
        return ""
    said = body.get("message") if isinstance(body, dict) else None
    return said.lower() if isinstance(said, str) else ""
