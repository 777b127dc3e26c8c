"""Where an endpoint is and with which key, by the node tables and the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pharmacy.domain.errors import ConfigError
from pharmacy.models.base_url import checked_base_url, is_loopback
from pharmacy.models.tables import Endpoint

NO_KEY = "no-key"
"""Sent where an endpoint wants no key: the client refuses to be built without one."""


@dataclass(frozen=True)
class Credentials:
    """An endpoint's address and key."""

    base_url: str
    key: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What goes with every call beside the usual header; holds the key again where the endpoint wants it there."""


def credentials_of(name: str, endpoint: Endpoint, environ: Mapping[str, str]) -> Credentials:
    """Return where the endpoint `name` is called and with which key.

    Raises:
        ConfigError: the address is not one to send words to, or the key is missing or not sendable.
    """
    given = _value(endpoint.base_url_env, environ)
    try:
        base_url = checked_base_url(given or endpoint.base_url)
    except ValueError as error:
        raise ConfigError(f"{endpoint.base_url_env}: {given!r}: {error}") from error
    key = _value(endpoint.api_key_env, environ)
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(f"{endpoint.api_key_env}: holds signs that no key has; expected the key alone on one line")
    wants_none = given or endpoint.api_key_env is None or is_loopback(urlsplit(base_url).hostname)
    if not key and not wants_none:
        raise ConfigError(f"endpoint {name!r}: {endpoint.api_key_env} is not set; expected the key for {base_url}")
    headers: dict[str, str] = {endpoint.key_header: key or NO_KEY} if endpoint.key_header != "authorization" else {}
    return Credentials(base_url, key or NO_KEY, headers)


def speaks_openai(endpoint: Endpoint | None, environ: Mapping[str, str]) -> bool:
    """Return whether the environment says to call the endpoint at all: by a key, or by an address of its own."""
    if endpoint is None:
        return False
    return bool(_value(endpoint.api_key_env, environ) or _value(endpoint.base_url_env, environ))


def _value(variable: str | None, environ: Mapping[str, str]) -> str:
    return environ.get(variable, "").strip() if variable else ""
