"""How a patient's message comes in: over the REST API, or as a delivery that LINE signs and repeats."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.api.line_shop import SECRET, WEBHOOK
from tests.fakes.line_server.events import again, said, signed

WORDS = ("葛根湯は食前ですか", "葛根湯は水で飲みますか", "葛根湯はお湯に溶かして飲みますか")


@dataclass(frozen=True)
class Event:
    """One message, the same however often it is delivered."""

    id: str
    """What the store knows it by."""

    content: dict[str, Any]


class Writing(Protocol):
    """One way in."""

    taken: int
    """The status that acknowledges."""

    patience_seconds: float
    most_together: int
    """How many events of different patients one request may bring."""

    def event(self, name: str, conversation: str, words: str) -> Event:
        """Return the event `name` of one patient."""

    def post(self, events: Sequence[Event], *, repeated: bool) -> tuple[str, dict[str, Any]]:
        """Return the path and what a client's `post` needs to deliver `events`."""


@dataclass(frozen=True)
class OverApi:
    """`POST /v1/messages`."""

    key: str
    taken: int = 202
    patience_seconds: float = 5.0
    most_together: int = 1

    def event(self, name: str, conversation: str, words: str) -> Event:
        """Return the event; its name is its id."""
        return Event(name, {"conversation_id": conversation, "message_id": name, "text": words})

    def post(self, events: Sequence[Event], *, repeated: bool) -> tuple[str, dict[str, Any]]:
        """Return the request; a repeat is the same once more."""
        return "/v1/messages", {"json": events[0].content, "headers": {"Authorization": f"Bearer {self.key}"}}


@dataclass(frozen=True)
class OverLine:
    """LINE's webhook: whatever is not answered 2xx within two seconds comes again, and says so."""

    taken: int = 200
    patience_seconds: float = 2.0
    most_together: int = 5

    def event(self, name: str, conversation: str, words: str) -> Event:
        """Return the event, under an id of LINE's own."""
        content = said(user_of(conversation), words)
        return Event(content["webhookEventId"], content)

    def post(self, events: Sequence[Event], *, repeated: bool) -> tuple[str, dict[str, Any]]:
        """Return one signed body."""
        contents = [again(event.content) if repeated else event.content for event in events]
        return WEBHOOK, signed(SECRET, *contents)


def user_of(conversation: str) -> str:
    """Return whom LINE knows as the patient of the conversation that the load calls so."""
    return "U" + hashlib.sha256(conversation.encode()).hexdigest()[:32]


def words_of(number: int) -> str:
    """Return what the patient of the event with that number asks."""
    return WORDS[number % len(WORDS)]
