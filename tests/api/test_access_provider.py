"""Sign-in through a provider: only for who left from this browser, and only into an account that is theirs."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pydantic import SecretStr

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.rights import Role
from pharmacy.settings import Settings
from pharmacy.storage import access_accounts
from pharmacy.storage.access_accounts import NewAccount
from server.provider import BACK, Provider
from tests.api.people import person
from tests.api.shop import Shop, running
from tests.fakes.oidc_server import OidcFake
from tests.fakes.oidc_server.fake import CLIENT_ID, CLIENT_SECRET

MAIL = {"email": "Hanako@pharmacy.example", "email_verified": True}


@pytest.fixture
async def provider() -> AsyncIterator[OidcFake]:
    """Return a provider that knows Hanako."""
    with OidcFake(claims=dict(MAIL)) as fake:
        yield fake


@pytest.fixture
async def signing(own_settings: Settings, provider: OidcFake) -> AsyncIterator[Shop]:
    """Return a pharmacy at which people sign in through the provider."""
    public = "http://127.0.0.1:1"
    provider.redirect = f"{public}{BACK}"
    more = {"public_url": public, "oidc_issuer": provider.url, "oidc_client_id": CLIENT_ID}
    more |= {"oidc_client_secret": SecretStr(CLIENT_SECRET), "oidc_roles": "groups=leads:lead,domain=clinic.example:pharmacist"}  # fmt: skip  # noqa: E501
    async with running(own_settings.model_copy(update=more), work=False) as shop:
        yield shop


async def _waiting(shop: Shop, name: str = "hanako@pharmacy.example") -> None:
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        await access_accounts.add(tx, pharmacy_id, "test", NewAccount(name, Role.PHARMACIST))


async def _go(shop: Shop, client: httpx2.AsyncClient) -> str:
    """Return the query with which the provider sends the browser back."""
    left = await client.get("/sign-in/provider")
    assert left.status_code == 303, left.text
    async with httpx2.AsyncClient() as away:
        at_provider = await away.get(left.headers["location"])
    return urlsplit(at_provider.headers["location"]).query


async def _sign_in(shop: Shop) -> tuple[int, dict[str, Any]]:
    """Return the status that ends a sign-in, and who they are then."""
    async with httpx2.AsyncClient(base_url=shop.url) as client:
        back = await client.get(f"{BACK}?{await _go(shop, client)}")
        me = await client.get("/v1/me")
    return back.status_code, me.json() if me.status_code == 200 else {}


async def test_an_account_that_waits_is_entered_and_tied(signing: Shop, provider: OidcFake) -> None:
    await _waiting(signing)

    first = await _sign_in(signing)
    provider.claims = {"email": "somebody.else@pharmacy.example", "email_verified": True}
    again = await _sign_in(signing)

    assert (first[0], again[0]) == (303, 303)
    assert first[1]["actor"] == again[1]["actor"] == "session:hanako@pharmacy.example"
    assert provider.problems == []


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param(MAIL, id="nobody-has-an-account"),
        pytest.param({"email": "hanako@clinic.example", "email_verified": False}, id="mail-not-verified"),
        pytest.param({"email": "hanako@clinic.example"}, id="verified-not-said"),
        pytest.param({"email": "hanako@clinic.example", "email_verified": "true"}, id="verified-in-words"),
        pytest.param({"email": "hanako@evil.clinic.example", "email_verified": True}, id="a-subdomain"),
        pytest.param({"email": "x@clinic.example@evil.example", "email_verified": True}, id="two-ats"),
        pytest.param(MAIL | {"groups": "leads-of-elsewhere"}, id="another-group"),
    ],
)
async def test_who_has_no_account_and_fits_no_rule_is_not_let_in(
    signing: Shop, provider: OidcFake, claims: dict[str, Any]
) -> None:
    provider.claims = claims

    assert await _sign_in(signing) == (401, {})
    assert await signing.rows("SELECT 1 FROM accounts") == []


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        pytest.param(MAIL | {"groups": ["staff", "leads"]}, "lead", id="a-group"),
        pytest.param({"email": "hanako@clinic.example", "email_verified": True}, "pharmacist", id="a-domain"),
    ],
)
async def test_a_rule_makes_an_account_and_its_role_follows_the_provider(
    signing: Shop, provider: OidcFake, claims: dict[str, Any], role: str
) -> None:
    provider.claims = claims
    made = await _sign_in(signing)
    provider.claims = dict(MAIL)

    gone = await _sign_in(signing)

    assert (made[0], made[1]["role"], made[1]["second_factor"]) == (303, role, True)
    assert gone == (401, {})


async def test_an_account_with_a_password_is_not_taken_over_by_a_mail_address(
    signing: Shop, provider: OidcFake
) -> None:
    who = await person(signing, Role.ADMIN)
    provider.claims = {"email": who.name, "email_verified": True, "groups": ["leads"]}

    assert await _sign_in(signing) == (401, {})


BENT: list[Any] = [
    pytest.param({"token": {"nonce": "another"}}, id="another-nonce"),
    pytest.param({"token": {"nonce": None}}, id="no-nonce"),
    pytest.param({"token": {"aud": "another-client"}}, id="for-another-client"),
    pytest.param({"token": {"aud": "another-client", "azp": CLIENT_ID}}, id="for-another-client-through-us"),
    pytest.param({"token": {"iss": "https://evil.example"}}, id="another-issuer"),
    pytest.param({"token": {"exp": 1_700_000_000}}, id="expired"),
    pytest.param({"token": {"iat": None}}, id="no-time"),
    pytest.param({"token": {"sub": None}}, id="no-subject"),
    pytest.param({"token": {"at_hash": "AAAA"}}, id="another-access-token"),
    pytest.param({"forge": "other-key"}, id="another-key"),
    pytest.param({"forge": "secret"}, id="signed-with-our-secret"),
    pytest.param({"forge": "none"}, id="not-signed"),
]


@pytest.mark.parametrize("bent", BENT)
async def test_a_token_that_is_not_for_this_sign_in_is_not_believed(
    signing: Shop, provider: OidcFake, bent: dict[str, Any]
) -> None:
    await _waiting(signing)
    for name, value in bent.items():
        setattr(provider, name, value)

    assert await _sign_in(signing) == (401, {})


async def test_only_the_browser_that_left_may_come_back_and_once(signing: Shop) -> None:
    await _waiting(signing)
    async with httpx2.AsyncClient(base_url=signing.url) as left, httpx2.AsyncClient(base_url=signing.url) as other:
        query = await _go(signing, left)
        await _go(signing, other)
        stolen = await other.get(f"{BACK}?{query}")
        no_state = await left.get(f"{BACK}?code={parse_qs(query)['code'][0]}")
        mixed = await left.get(f"{BACK}?{query.replace('iss=http', 'iss=https')}")

        again = await left.get(f"{BACK}?{query}")

    assert [answer.status_code for answer in (stolen, no_state, mixed, again)] == [401] * 4


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"issuer": "https://evil.example"}, id="another-name"),
        pytest.param({"token_endpoint": "http://169.254.169.254/token"}, id="an-inner-address"),
        pytest.param({"jwks_uri": "file:///etc/passwd"}, id="a-file"),
        pytest.param({"authorization_endpoint": None}, id="nothing"),
    ],
)
async def test_a_provider_that_describes_itself_oddly_is_not_used(
    signing: Shop, provider: OidcFake, document: dict[str, Any]
) -> None:
    provider.document = document

    answer = await signing.stranger.get("/sign-in/provider")

    assert answer.status_code == 503
    assert "169.254" not in answer.text


@pytest.mark.parametrize("rules", ["leads", "groups=leads", "groups=leads:owner", "groups=leads:machine", "=x:lead"])
def test_a_rule_that_cannot_be_read_stops_the_start(rules: str) -> None:
    settings = Settings(oidc_issuer="https://a.example", oidc_client_id="k", public_url="https://k.example", oidc_roles=rules)  # fmt: skip  # noqa: E501

    with pytest.raises(ConfigError, match="KAKARI_OIDC_ROLES"):
        Provider(settings)
