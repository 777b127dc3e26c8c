"""The sign-in provider: what the settings say of it, and who it says has come back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.rights import PEOPLE, Role
from pharmacy.settings import Settings
from pharmacy.storage.access_provider import Leaving
from pharmacy.tls import tls

BACK = "/sign-in/provider/back"
# Signed with the provider's own key, whatever it or the token says: never `none`, never our secret.
_ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]
_LEEWAY_SECONDS = 60
_TIMEOUT_SECONDS = 5
_LARGEST = 256 * 1024


class ProviderUnusable(Exception):
    """The provider cannot be reached, or answers otherwise than it must."""


class NotBelieved(Exception):
    """What came back is not what the provider says of somebody who left from here."""


@dataclass(frozen=True)
class Person:
    """Whom the provider names."""

    subject: str
    """Issuer and subject: together they name a person for ever."""

    mail: str | None
    """Only one that the provider has verified."""

    role: Role | None
    """What the settings give for what the provider says; None where nothing fits."""


@dataclass(frozen=True)
class _Rule:
    claim: str
    value: str
    role: Role


class Provider:
    """One OpenID Connect provider, asked with a code and PKCE."""

    def __init__(self, settings: Settings) -> None:
        """Raise ConfigError when KAKARI_OIDC_ROLES cannot be read; the provider itself is asked later."""
        self._issuer = settings.oidc_issuer or ""
        self._client_id = settings.oidc_client_id or ""
        self._secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else None
        self._redirect = f"{settings.public_url}{BACK}"
        self._rules = [_rule(told.strip()) for told in settings.oidc_roles.split(",") if told.strip()]
        self._metadata: dict[str, Any] | None = None
        self._keys: dict[str, Any] | None = None

    async def address(self, leaving: Leaving) -> str:
        """Return where the browser goes."""
        metadata = await self._discovered()
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=leaving.state,
                nonce=leaving.nonce,
                code_verifier=leaving.verifier,
            )
        return str(url)

    async def person(self, leaving: Leaving, query: Mapping[str, str]) -> Person:
        """Return who came back.

        Raises:
            ProviderUnusable: it cannot be asked.
            NotBelieved: it refuses the code, or the token is not for us, not of now, or not signed by it.
        """
        metadata = await self._discovered()
        # Another provider's answer mixed in; source: RFC 9207.
        if query.get("iss", metadata["issuer"]) != metadata["issuer"]:
            raise NotBelieved("the answer is another provider's")
        try:
            async with self._client() as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"], code=query.get("code", ""), code_verifier=leaving.verifier
                )
        except httpx2.HTTPError as error:
            raise ProviderUnusable(f"token endpoint: {type(error).__name__}") from error
        except (AuthlibBaseError, ValueError) as error:
            raise NotBelieved(f"token endpoint: {type(error).__name__}") from error
        return self._named(await self._claims(token, leaving.nonce))

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._client_id, self._secret, scope="openid email profile", redirect_uri=self._redirect,
            code_challenge_method="S256", timeout=_TIMEOUT_SECONDS, trust_env=False,
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
        )  # fmt: skip

    async def _claims(self, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        given = token.get("id_token")
        if not isinstance(given, str):
            raise NotBelieved("the provider gave no id_token")
        try:
            try:
                read = self._read(given, await self._key_set())
            except (JoseError, ValueError):
                # A key we do not know may be newer than ours.
                read = self._read(given, await self._key_set(again=True))
            metadata = await self._discovered()
            wanted = {"iss": {"essential": True, "value": metadata["issuer"]}}
            wanted |= {"aud": {"essential": True, "value": self._client_id}, "nonce": {"essential": True}}
            parameters = {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(read.claims, read.header, wanted, parameters)
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
            raise NotBelieved(f"id_token: {type(error).__name__}") from error
        return dict(claims)

    @staticmethod
    def _read(token: str, keys: dict[str, Any]) -> jwt.Token:
        registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
        return jwt.decode(token, KeySet.import_key_set(keys), registry=registry)  # type: ignore[arg-type]

    def _named(self, claims: Mapping[str, Any]) -> Person:
        mail = claims.get("email") if claims.get("email_verified") is True else None
        mail = mail.casefold() if isinstance(mail, str) else None
        role = next((rule.role for rule in self._rules if _fits(rule, claims, mail)), None)
        return Person(f"{claims['iss']} {claims['sub']}", mail, role)

    async def _discovered(self) -> dict[str, Any]:
        if self._metadata is None:
            found = await _fetched(f"{self._issuer}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != self._issuer:
                raise ProviderUnusable(f"names itself {found.get('issuer')!r}; expected {self._issuer!r}")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                _refuse_open_line(name, found.get(name), self._issuer)
            self._metadata = found
        return self._metadata

    async def _key_set(self, *, again: bool = False) -> dict[str, Any]:
        if self._keys is None or again:
            self._keys = await _fetched((await self._discovered())["jwks_uri"])
        return self._keys


def _rule(told: str) -> _Rule:
    left, _, role = told.rpartition(":")
    claim, _, value = left.partition("=")
    if not claim or not value or role not in {person.value for person in PEOPLE}:
        expected = f"expected claim=value:role, the role one of {[person.value for person in PEOPLE]}"
        raise ConfigError(f"environment: KAKARI_OIDC_ROLES={told!r}: {expected}")
    return _Rule(claim, value, Role(role))


def _fits(rule: _Rule, claims: Mapping[str, Any], mail: str | None) -> bool:
    if rule.claim == "domain":
        return mail is not None and mail.rpartition("@")[2] == rule.value.casefold()
    said = claims.get(rule.claim)
    return rule.value in said if isinstance(said, list) else said == rule.value


async def _fetched(url: str) -> dict[str, Any]:
    try:
        async with (
            httpx2.AsyncClient(verify=tls(), timeout=_TIMEOUT_SECONDS, trust_env=False) as client,
            client.stream("GET", url) as answer,
        ):
            answer.raise_for_status()
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > _LARGEST:
                    raise ProviderUnusable(f"{url}: answers more than {_LARGEST} bytes")
        found = httpx2.Response(200, content=bytes(body)).json()
    except (httpx2.HTTPError, ValueError) as error:
        raise ProviderUnusable(f"{url}: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise ProviderUnusable(f"{url}: expected an object")
    return found


def _refuse_open_line(name: str, address: object, issuer: str) -> None:
    # The document says where our secret and the codes go: never into the clear, unless the provider is this machine.
    if not isinstance(address, str) or not address.startswith(("https://", f"{issuer}/")):
        raise ProviderUnusable(f"{name}: {address!r}; expected an https address")
