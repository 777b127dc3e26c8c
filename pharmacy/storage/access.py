"""Who may call: API keys, one-time sign-in links and sessions, each kept as a hash only."""

from pharmacy.storage.access_keys import caller_of_key, create_key, list_keys, revoke_key
from pharmacy.storage.access_sessions import (
    IDLE,
    LINK_LIVES,
    SESSION_LIVES,
    caller_of_session,
    create_link,
    end_session,
    use_link,
)
from pharmacy.storage.access_tokens import Caller

__all__ = [
    "IDLE",
    "LINK_LIVES",
    "SESSION_LIVES",
    "Caller",
    "caller_of_key",
    "caller_of_session",
    "create_key",
    "create_link",
    "end_session",
    "list_keys",
    "revoke_key",
    "use_link",
]
