"""The official client for all but chat: one address, our certificates and time-outs, no retries of its own."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx2
import openai

from pharmacy.models.base_url import is_loopback
from pharmacy.models.credentials import credentials_of
from pharmacy.models.http_exchange import CONNECT_SECONDS
from pharmacy.models.tables import Endpoint
from pharmacy.tls import tls

ANSWER_SECONDS = 60.0
UPLOAD_SECONDS = 600.0


def openai_client(name: str, endpoint: Endpoint, environ: Mapping[str, str]) -> openai.AsyncOpenAI:
    """Return a client for the endpoint `name`: OpenAI itself, Azure under its `/openai/v1`, or what speaks as they do.

    Raises:
        ConfigError: the address is not one to send words to, or the key is missing.
    """
    found = credentials_of(name, endpoint, environ)
    http = httpx2.AsyncClient(
        verify=tls(),
        timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, write=UPLOAD_SECONDS),
        trust_env=not is_loopback(urlsplit(found.base_url).hostname),
        follow_redirects=False,
        event_hooks={"request": [_without_the_usual_header]} if found.headers else {},
    )
    return openai.AsyncOpenAI(
        base_url=found.base_url, api_key=found.key, max_retries=0, http_client=http, default_headers=found.headers
    )


async def _without_the_usual_header(request: httpx2.Request) -> None:
    # Where the key has a header of its own it goes there alone; the client itself insists on the usual one.
    del request.headers["authorization"]
