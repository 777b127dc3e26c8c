"""Which addresses a model may be called at: https, or http to this machine itself."""

import ipaddress
from urllib.parse import urlsplit

OPENAI_HOST = "api.openai.com"


def checked_base_url(url: str) -> str:
    """Return `url` without a trailing slash.

    Raises:
        ValueError: it is no http(s) address, carries a user or a query, or sends plain text over a network.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected an address of the form https://host/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("expected an address without user, password, query or fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("would send patients' words and keys unencrypted; expected https, or http to this machine")
    return url.strip().rstrip("/")


def is_loopback(host: str | None) -> bool:
    """Return whether `host` is this machine itself."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
