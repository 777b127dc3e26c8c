"""Who may call: nobody without a key or a session, and a session only from Kakari's own pages."""

import asyncio
import socket
from urllib.parse import urlsplit

import httpx2
import pytest

from pharmacy.storage import access
from server.app import create_app
from tests.api.shop import Shop, new_id

SAMPLE_ID = "00000000-0000-4000-8000-000000000000"
CALLS = [
    pytest.param(method.upper(), path, id=f"{method}-{path}")
    for path, methods in create_app().openapi()["paths"].items()
    for method, call in methods.items()
    if "x-kakari-right" in call
]


def _filled(path: str) -> str:
    return "/".join(SAMPLE_ID if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": "Bearer kk_forged"}, id="forged-key"),
        pytest.param({"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."}, id="alg-none-token"),
        pytest.param({"Authorization": "Basic YTpi"}, id="other-scheme"),
        pytest.param({"Cookie": "kakari_session=forged", "Origin": "http://evil.example"}, id="forged-session"),
    ],
)
async def test_no_call_is_answered_without_a_valid_credential(
    shop: Shop, method: str, path: str, given: dict[str, str]
) -> None:
    headers = {**given, "Content-Type": "application/json"}

    answer = await shop.stranger.request(method, _filled(path), headers=headers, content=b'{"broken')

    assert answer.status_code == (403 if "Cookie" in given and method != "GET" else 401)
    assert set(answer.json()) == {"detail"}


@pytest.mark.parametrize(
    ("method", "path"), [call for call in CALLS if "{conversation_id}" in call.values[1] or "_id}" in call.values[1]]
)
async def test_an_unknown_object_is_not_found_or_made_anew(shop: Shop, method: str, path: str) -> None:
    body = {"version": 1, "text": "t", "instruction": "i", "password": "long enough to be taken", "state": "viewing"}
    allowed = {"reset": ["password"], "notes": ["text"], "presence": ["state"], "approve": ["version"],
               "reject": ["version"], "regenerate": ["version", "instruction"],
               "edit": ["version", "text"], "messages": ["version", "text"]}  # fmt: skip
    sent = {name: body[name] for name in allowed.get(path.rsplit("/", 1)[1], [])}

    answer = await shop.http.request(
        method,
        _filled(path),
        json=None if method in ("GET", "DELETE") else {"formula": "f"} if "products" in path else sent,
    )

    made_anew = method == "PUT" and "conversation" not in path
    assert answer.status_code == (200 if made_anew else 404), answer.text


async def test_a_revoked_key_is_useless_at_once(shop: Shop) -> None:
    name = new_id("key")
    async with shop.program.database.begin(shop.program.settings.pharmacy_id) as tx:
        key = await access.create_key(tx, shop.program.settings.pharmacy_id, name, "test")
    headers = {"Authorization": f"Bearer {key}"}
    before = await shop.stranger.get("/v1/handovers", headers=headers)

    async with shop.program.database.begin(shop.program.settings.pharmacy_id) as tx:
        await access.revoke_key(tx, shop.program.settings.pharmacy_id, name, "test")

    assert before.status_code == 200
    assert (await shop.stranger.get("/v1/handovers", headers=headers)).status_code == 401


async def _link(shop: Shop) -> str:
    async with shop.program.database.begin(shop.program.settings.pharmacy_id) as tx:
        return await access.create_link(tx, shop.program.settings.pharmacy_id, "owner")


async def test_a_sign_in_link_opens_one_session_and_works_once(shop: Shop) -> None:
    token = await _link(shop)
    async with httpx2.AsyncClient(base_url=shop.url) as browser:
        first = await browser.get("/sign-in", params={"token": token})
        second = await browser.get("/sign-in", params={"token": token})
        read = await browser.get("/v1/handovers")

    cookie = first.headers["set-cookie"].lower()
    assert (first.status_code, second.status_code, read.status_code) == (303, 401, 200)
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


async def test_of_ten_uses_of_one_link_at_once_one_signs_in(shop: Shop) -> None:
    token = await _link(shop)

    answers = await asyncio.gather(*(shop.stranger.get("/sign-in", params={"token": token}) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [303] + [401] * 9


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 403, id="no-origin"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="another-origin"),
        pytest.param({"Origin": "null"}, 403, id="opaque-origin"),
        pytest.param(
            {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"}, 403, id="forged-forwarding"
        ),
        pytest.param({"Origin": "own"}, 200, id="its-own-origin"),
    ],
)
async def test_a_session_changes_things_only_from_its_own_pages(shop: Shop, headers: dict, status: int) -> None:
    conversation_id = new_id()
    await shop.say(conversation_id, "相談です", wait=None)
    token = await _link(shop)
    own = {name: shop.url if value == "own" else value for name, value in headers.items()}
    async with httpx2.AsyncClient(base_url=shop.url) as browser:
        await browser.get("/sign-in", params={"token": token})

        answer = await browser.post(f"/v1/conversations/{conversation_id}/claim", headers=own)

    assert answer.status_code == status


async def test_a_form_of_another_site_changes_nothing(shop: Shop) -> None:
    token = await _link(shop)
    async with httpx2.AsyncClient(base_url=shop.url) as browser:
        await browser.get("/sign-in", params={"token": token})

        answer = await browser.post(
            "/v1/messages", data={"conversation_id": "c", "text": "t"}, headers={"Origin": "http://evil.example"}
        )

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/v1/handovers/", 404, id="trailing-slash"),
        pytest.param("GET", "/v1/%2e%2e/v1/handovers", 404, id="encoded-dots"),
        pytest.param("GET", "/v1/conversations/a%2Fb", 404, id="encoded-slash"),
        pytest.param("GET", "/v1/conversations/%252e%252e", 422, id="doubly-encoded-dots"),
        pytest.param("HEAD", "/v1/handovers", 405, id="head"),
        pytest.param("POST", "/v1/handovers", 405, id="wrong-method"),
    ],
)
async def test_another_way_to_write_a_call_is_no_way_in(shop: Shop, method: str, path: str, status: int) -> None:
    answer = await shop.http.request(method, path, headers={"X-HTTP-Method-Override": "DELETE"})

    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/sign-in", "/v1/session", "/v1/messages"])
async def test_a_browser_that_hangs_up_within_its_body_is_no_error_of_ours(
    shop: Shop, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    parts = urlsplit(shop.url)
    key = shop.http.headers["Authorization"]
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nOrigin: {shop.url}\r\nAuthorization: {key}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 900\r\n\r\nname="
    )

    with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as connection:
        connection.sendall(head.encode())
        await asyncio.sleep(0.2)
    await asyncio.sleep(0.3)

    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
