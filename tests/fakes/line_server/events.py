"""Webhook events as LINE writes them, and the signature that goes with a body."""

import base64
import hashlib
import hmac
import itertools
import json
import secrets
import time
from typing import Any

BOT = "U" + "b" * 32
_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_numbers = itertools.count(1)
_last_ms = 0


def new_user() -> str:
    """Return a user id that no other test uses."""
    return "U" + secrets.token_hex(16)


def new_event_id(milliseconds: int | None = None) -> str:
    """Return a ULID: ten characters of time, sixteen of chance."""
    at = now_ms() if milliseconds is None else max(milliseconds, 0)
    head = "".join(_ULID[at >> shift & 31] for shift in range(45, -5, -5))
    return head + "".join(secrets.choice(_ULID) for _ in range(16))


def new_message_id() -> str:
    """Return an id as LINE gives its messages."""
    return str(5_000_000_000 + next(_numbers))


def now_ms() -> int:
    """Return the time as LINE writes it, later with every call: what is said later stands later."""
    global _last_ms
    _last_ms = max(int(time.time() * 1000), _last_ms + 1)
    return _last_ms


def event(kind: str, user_id: str, *, at: int | None = None, **more: Any) -> dict[str, Any]:
    """Return an event of type `kind` from one patient; `more` adds fields or replaces them."""
    at = now_ms() if at is None else at
    return {
        "type": kind,
        "mode": "active",
        "timestamp": at,
        "source": {"type": "user", "userId": user_id},
        "webhookEventId": new_event_id(at),
        "deliveryContext": {"isRedelivery": False},
    } | more


def message(user_id: str, content: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a message event around `content`."""
    content = {"id": new_message_id()} | content
    return event("message", user_id, replyToken=secrets.token_hex(16), message=content, **more)


def said(user_id: str, words: str, **more: Any) -> dict[str, Any]:
    """Return the event of a text message."""
    return message(user_id, {"type": "text", "text": words, "quoteToken": "q3Plxr4AgKd"}, **more)


def body_of(*events: Any, destination: str = BOT) -> bytes:
    """Return the body that brings `events`."""
    return json.dumps({"destination": destination, "events": events}, ensure_ascii=False).encode()


def sign(secret: str, body: bytes) -> str:
    """Return LINE's signature of `body`."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def signed(secret: str, *events: Any) -> dict[str, Any]:
    """Return what a client's `post` needs to deliver `events` as LINE does: the body, and its signature."""
    body = body_of(*events)
    return {"content": body, "headers": {"X-Line-Signature": sign(secret, body), "Content-Type": "application/json"}}


def again(given: dict[str, Any]) -> dict[str, Any]:
    """Return an event as LINE delivers it once more: the same in all else."""
    return given | {"deliveryContext": {"isRedelivery": True}}
