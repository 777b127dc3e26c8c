"""What a browser is told, which hosts are answered, and what odd ways of calling come to."""

from typing import Any

import httpx2
import pytest

from pharmacy.domain.rights import Role
from pharmacy.settings import Settings
from server.access import cookie_name
from server.console.assets import address_of
from tests.api.people import browser, person
from tests.api.shop import Shop, new_id, running
from tests.fakes.openai_server import OpenAIFake

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.mark.parametrize("path", ["/", "/docs", "/static/keys.js", "/v1/handovers", "/openapi.json", "/nowhere"])
async def test_every_answer_keeps_the_browser_narrow(shop: Shop, path: str) -> None:
    answer = await shop.http.get(path)

    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not [
        word for word in ("unsafe", "http:", "https:", "*") if word in answer.headers["content-security-policy"]
    ]
    assert "strict-transport-security" not in answer.headers


async def test_a_browser_keeps_a_file_that_it_asked_for_by_its_content(shop: Shop) -> None:
    answer = await shop.stranger.get(address_of("keys.js"))

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_over_https_cookies_are_bound_to_the_host_and_browsers_insist(
    own_settings: Settings, fake: OpenAIFake
) -> None:
    public = own_settings.model_copy(update={"public_url": "https://kakari.example"})
    async with running(public, work=False) as shop:
        who = await person(shop)
        right, wrong = ({"Origin": origin} for origin in ("https://kakari.example", shop.url))
        answer = await shop.stranger.post("/v1/session", json=who.says(), headers=right)
        token = answer.headers["set-cookie"].split(";")[0].partition("=")[2]
        plain = await shop.stranger.get("/v1/me", headers={"Cookie": f"kakari_session={token}"})
        bound = {"Cookie": f"__Host-kakari_session={token}"}
        own = [
            (await shop.stranger.delete("/v1/session", headers=bound | origin)).status_code for origin in (wrong, right)
        ]

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-kakari_session=")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert (plain.status_code, own) == (401, [403, 204])
    assert cookie_name(public) == "__Host-kakari_session"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Host": "evil.example"}, 400, id="foreign-name"),
        pytest.param({"Host": "localhost.evil.example"}, 400, id="a-name-that-begins-like-ours"),
        pytest.param({"Host": "127.0.0.1.evil.example"}, 400, id="a-name-that-begins-with-our-address"),
        pytest.param({"Host": "localhost:1@evil.example"}, 400, id="a-name-behind-a-user"),
        pytest.param({"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}, 200, id="forwarded"),
        pytest.param({"X-Original-URL": "/metrics", "X-Rewrite-URL": "/metrics"}, 200, id="rewritten"),
    ],
)
async def test_a_call_that_names_another_host_is_not_answered(shop: Shop, headers: dict[str, str], status: int) -> None:
    answer = await shop.http.get("/v1/handovers", headers=headers)

    assert answer.status_code == status
    assert "evil" not in answer.text + str(answer.headers)


async def test_probes_may_name_any_host(shop: Shop) -> None:
    assert (await shop.stranger.get("/healthz", headers={"Host": "pod-7"})).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"pharmacy_id": "elsewhere"}, id="a-filter-nobody-knows"),
        pytest.param({"sort": "patient_id"}, id="a-sort-key"),
        pytest.param({"state; DROP TABLE": "x"}, id="sql"),
        pytest.param({"limit": "-1"}, id="negative"),
        pytest.param({"limit": "1e9"}, id="float"),
        pytest.param({"limit": "999999999999999999999"}, id="huge"),
        pytest.param({"after": "forged"}, id="forged-cursor"),
        pytest.param({f"key{number}": "x" for number in range(3_000)}, id="3000-keys"),
    ],
)
async def test_a_query_that_is_not_in_the_list_is_refused(shop: Shop, query: dict[str, str]) -> None:
    answer = await shop.http.get("/v1/handovers", params=query)

    assert answer.status_code == 422, answer.text
    assert len(answer.content) < 10_000


@pytest.mark.parametrize(
    ("path", "more"),
    [
        pytest.param("/v1/messages", {"role": "admin"}, id="role"),
        pytest.param("/v1/messages", {"pharmacy_id": "elsewhere"}, id="tenant"),
        pytest.param("/v1/messages", {"approved_by": "x", "auto_send": True}, id="approval"),
        pytest.param("/v1/keys", {"key": "kk_mine"}, id="a-key-of-ones-own"),
        pytest.param("/v1/accounts", {"password_hash": "x"}, id="a-hash"),
    ],
)
async def test_a_field_that_nobody_may_set_is_refused(shop: Shop, path: str, more: dict[str, Any]) -> None:
    body = {"/v1/messages": {"conversation_id": new_id(), "text": "t"}, "/v1/keys": {"name": new_id("key")},
            "/v1/accounts": {"name": new_id("made"), "role": "lead"}}[path]  # fmt: skip

    answer = await shop.post(path, body | more)

    assert answer.status_code == 422, answer.text
    assert {entry["type"] for entry in answer.json()["detail"]} == {"extra_forbidden"}


@pytest.mark.parametrize(
    ("key", "status"), [("", 422), ("k" * 255, 202), ("k" * 256, 422), ("a b", 422)], ids=["0", "255", "256", "space"]
)
async def test_an_idempotency_key_has_1_to_255_visible_signs(shop: Shop, key: str, status: int) -> None:
    body = {"conversation_id": new_id(), "text": "人手語です"}

    answer = await shop.post("/v1/messages", body, headers={"Idempotency-Key": key})

    assert answer.status_code == status, answer.text


async def test_huge_headers_are_refused_and_the_next_call_is_answered(shop: Shop) -> None:
    async with httpx2.AsyncClient(base_url=shop.url) as client:
        try:
            status = (await client.get("/healthz", headers={"X-Large": "x" * 500_000})).status_code
        except httpx2.HTTPError:
            status = 0

    assert status in (0, 400, 431)
    assert (await shop.stranger.get("/healthz")).status_code == 200


@pytest.mark.parametrize("method", ["HEAD", "PUT", "TRACE", "PATCH", "OPTIONS"])
async def test_another_method_is_no_way_in(shop: Shop, method: str) -> None:
    headers = {"X-HTTP-Method-Override": "GET", "X-Method-Override": "GET"}
    async with browser(shop, await person(shop, Role.LEAD)) as client:
        answer = await client.request(method, "/v1/suggestions", params={"_method": "GET"}, headers=headers)

    assert answer.status_code in (403, 405)


async def test_a_key_stays_a_key_and_a_session_a_session(shop: Shop) -> None:
    async with browser(shop, await person(shop)) as client:
        token = client.cookies["kakari_session"]
    key = shop.http.headers["Authorization"].removeprefix("Bearer ")

    as_key = await shop.stranger.get("/v1/handovers", headers={"Authorization": f"Bearer {token}"})
    as_session = await shop.stranger.get("/v1/handovers", headers={"Cookie": f"kakari_session={key}"})

    assert (as_key.status_code, as_session.status_code) == (401, 401)
    assert key not in as_session.text
