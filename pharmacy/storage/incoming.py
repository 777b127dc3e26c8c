"""Messages on their way in: as they arrived, with what the gates found, and where they stand once they are taken."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pharmacy.domain.conversation import Kind
from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.outcome import Outcome


@dataclass(frozen=True)
class Idempotency:
    """A caller's own key for one request."""

    caller: str
    key: str
    request_hash: str
    """Over the whole request: the same key with another one is a mistake."""


@dataclass(frozen=True)
class Incoming:
    """One message as it arrived, checked."""

    pharmacy_id: str
    channel: str
    event_id: str
    conversation_id: str
    message_id: str
    patient_id: str | None
    """None leaves it to the conversation, or, in a new one, names the patient as the conversation."""

    text: str
    sent_at: datetime
    raw: bytes
    kind: Kind = Kind.TEXT
    patient: dict[str, Any] | None = None
    """The patient's profile, when the message brought one."""

    idempotency: Idempotency | None = None
    """None when the caller gave no key."""

    channel_message_id: str | None = None
    """What the channel calls the message, where it has a name for it."""

    redelivered: bool = False
    """True when the channel says that it has tried to deliver it before."""

    by_own_time: bool = False
    """True to stand among the waiting messages by `sent_at`, False as it arrives."""


@dataclass(frozen=True)
class Arrival:
    """One message, with what the gates found in it."""

    incoming: Incoming
    hits: Sequence[GateHit]
    emergency: Outcome | None
    """The handover that intake already knows to be right; then no job is made and nothing waits."""


@dataclass(frozen=True)
class Taken:
    """Where a message stands after it was taken."""

    message_id: str
    conversation_id: str
    version: int
    patient_id: str
    repeated: bool = False
    """True when the same message had been taken before."""


def content_hash(incoming: Incoming) -> str:
    """Return the hash that tells a repeat from another message under the same id."""
    content = [incoming.conversation_id, incoming.text, incoming.kind.value]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
