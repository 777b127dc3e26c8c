"""The TLS set-up that every client of this process shares."""

import functools
import ssl

import httpx2


@functools.cache
def tls() -> ssl.SSLContext:
    """Return the process's one TLS set-up; reading the certificates takes longer than all else that a client needs."""
    return httpx2.create_ssl_context()
