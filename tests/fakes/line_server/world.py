"""What the stand-in knows: who may be written to, which keys and tokens were used, what was delivered."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

KEY_SECONDS = 24 * 3600
TOKEN_SECONDS = 60


@dataclass(frozen=True)
class Delivered:
    """One message that reached a patient's phone."""

    to: str
    text: str
    by: str
    """`push` or `reply`."""

    retry_key: str | None
    request_id: str


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int | None
    """What it was answered; None where nothing was."""


@dataclass
class Content:
    """A file of a message, and how it is given out."""

    body: bytes = b""
    content_type: str = "image/jpeg"
    status: int = 200
    transcoding: list[str] = field(default_factory=list)
    """What the next askings for a film's state are told; then succeeded."""

    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """Safe to change from another thread while the stand-in runs."""

    token: str
    clock: Callable[[], float] = time.time
    strangers: set[str] = field(default_factory=set)
    """User ids that LINE does not know: 400."""

    monthly_left: int | None = None
    """Messages left of the month's quota; None is no quota."""

    delivered: list[Delivered] = field(default_factory=list)
    log: list[Asked] = field(default_factory=list)
    first_tried: dict[str, float] = field(default_factory=dict)
    """Retry key to when it first came, in seconds since 1970, whatever it was answered."""

    contents: dict[str, Content] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _keys: dict[str, tuple[float, str]] = field(default_factory=dict)
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    def issue_token(self, reply_token: str, user_id: str) -> None:
        """Let one reply be sent to `user_id` within a minute."""
        self._tokens[reply_token] = (self.clock(), user_id)

    def accepted_under(self, retry_key: str) -> str | None:
        """Return the request id under which the key was accepted within 24 hours, or None."""
        at, request_id = self._keys.get(retry_key, (float("-inf"), ""))
        return request_id if self.clock() - at < KEY_SECONDS else None

    def use_token(self, reply_token: str) -> str | None:
        """Return whom the token answers, once and within its minute; else None."""
        at, user_id = self._tokens.pop(reply_token, (float("-inf"), ""))
        return user_id if self.clock() - at <= TOKEN_SECONDS else None

    def deliver(self, to: str, texts: list[str], by: str, retry_key: str | None, request_id: str) -> None:
        """Put the texts on the patient's phone."""
        if retry_key is not None:
            self._keys[retry_key] = (self.clock(), request_id)
        if self.monthly_left is not None and by == "push":
            self.monthly_left -= 1
        self.delivered += [Delivered(to, text, by, retry_key, request_id) for text in texts]

    def note(self, asked: Asked) -> None:
        """Keep a request, and when its retry key was first seen."""
        self.log.append(asked)
        if (key := asked.headers.get("x-line-retry-key")) is not None:
            self.first_tried.setdefault(key, time.time())

    def pushes(self, user_id: str) -> list[Asked]:
        """Return every push to a patient that was asked for, in order."""
        asked = [each for each in self.log if each.path == "/v2/bot/message/push" and isinstance(each.body, dict)]
        return [each for each in asked if each.body.get("to") == user_id]

    def texts_to(self, user_id: str) -> list[str]:
        """Return what stands on a patient's phone."""
        return [each.text for each in self.delivered if each.to == user_id]
