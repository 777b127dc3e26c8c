"""What every answer tells the browser, which hosts are answered at all, and whom a call comes from."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pharmacy.settings import Settings

PAGE_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)  # fmt: skip
_ANSWER_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: a browser would then hide the origin of our own forms too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_OVER_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
# Asked by machines that know an address and no name, or signed: what they say of the host decides nothing.
_ANY_HOST = re.compile(r"/(healthz|readyz|metrics)|/v1/channels/.*", re.ASCII)
_HERE = frozenset({"localhost"})


class Guarded:
    """The application behind its host names and with its headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = _ALWAYS | (_OVER_HTTPS if over_https(settings) else {})
        self._hosts = _host_names(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", _ANSWER_POLICY)
            await send(message)

        app = self._app if _ANY_HOST.fullmatch(scope["path"]) or self._knows(Headers(scope=scope)) else _UNKNOWN_HOST
        await app(scope, receive, with_headers)

    def _knows(self, headers: Headers) -> bool:
        # A page on a foreign name that resolves to this machine would otherwise speak to us as its own origin. What a
        # proxy forwards beside Host decides nothing. An address is no name, so nobody can point it here.
        named = headers.getlist("host")
        if len(named) != 1:
            return False
        host = _host_of(f"//{named[0]}")
        return host is not None and (host in self._hosts or _is_address(host))


_UNKNOWN_HOST = JSONResponse({"detail": "Host: expected a name of this server; see KAKARI_TRUSTED_HOSTS"}, 400)


def over_https(settings: Settings) -> bool:
    """Say whether people reach Kakari over https, itself or through a proxy."""
    return settings.public_url is not None and settings.public_url.startswith("https:")


def address_of(connection: HTTPConnection, settings: Settings) -> str:
    """Return whom a call comes from; a proxy is believed only when the settings name it.

    An IPv6 caller is its /64: one subscriber has all of it.
    """
    trusted = [
        ipaddress.ip_network(part.strip(), strict=False) for part in settings.trusted_proxies.split(",") if part.strip()
    ]
    address = connection.client.host if connection.client else ""
    named = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
    for further in reversed(named):
        if not _within(address, trusted) or not _is_address(further.strip()):
            break
        address = further.strip()
    return _subscriber(address)


def _within(address: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    return _is_address(address) and any(ipaddress.ip_address(address) in network for network in networks)


def _subscriber(address: str) -> str:
    if not _is_address(address) or ipaddress.ip_address(address).version == 4:
        return address
    return str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host_names(settings: Settings) -> frozenset[str]:
    further = {name.strip().lower() for name in settings.trusted_hosts.split(",") if name.strip()}
    public = _host_of(settings.public_url) if settings.public_url else None
    return _HERE | further | {settings.host.lower()} | ({public} if public else set())


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
