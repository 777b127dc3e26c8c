"""Who gets in at LINE's webhook: signatures over the raw bytes, and caps before them."""

import asyncio
import base64
import random
import socket
from urllib.parse import urlsplit

import httpx2
import pytest

from pharmacy.channels.line.accounts import LineAccount
from pharmacy.channels.line.signature import signer
from server import line_body
from server.line_body import LARGEST_BODY, LONGEST_SECONDS
from tests.api.line_shop import SECRET, WEBHOOK, LineShop
from tests.fakes.line_server.events import body_of, new_user, said, sign
from tests.unit.channels.forging import forged

JSON = {"Content-Type": "application/json"}


async def _post(shop: LineShop, raw: bytes, signature: str | bytes | None) -> httpx2.Response:
    headers: dict[str, str | bytes] = JSON | ({} if signature is None else {"X-Line-Signature": signature})
    return await shop.shop.stranger.post(WEBHOOK, content=raw, headers=headers)


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("x", id="short"),
        pytest.param("A" * 44, id="wrong"),
        pytest.param("=" * 44, id="no-base64"),
        pytest.param("あ".encode() * 14, id="non-ascii"),
        pytest.param("é".encode("latin-1") * 44, id="latin-1"),
        pytest.param("A" * 50_000, id="50000-characters"),
    ],
)
async def test_a_body_without_its_own_signature_is_refused(line_shop: LineShop, signature: str | bytes | None) -> None:
    answer = await _post(line_shop, body_of(said(new_user(), "相談です")), signature)

    assert answer.status_code == 401


async def test_a_signature_of_a_megabyte_is_refused(line_shop: LineShop) -> None:
    try:
        answer = await _post(line_shop, body_of(), "A" * 1_000_000)
    except httpx2.HTTPError:
        return  # the server closed the connection before it had read such a header

    assert answer.status_code in (400, 401, 431)


async def test_the_signature_of_another_channel_is_refused(line_shop: LineShop) -> None:
    raw = body_of(said(new_user(), "相談です"))

    assert (await _post(line_shop, raw, sign("another-secret", raw))).status_code == 401


async def test_the_signature_of_the_same_json_written_otherwise_is_refused(line_shop: LineShop) -> None:
    raw = body_of(said(new_user(), "相談です"))

    assert (await _post(line_shop, raw.replace(b": ", b":"), sign(SECRET, raw))).status_code == 401


async def test_300_forged_signatures_are_refused_over_http(line_shop: LineShop) -> None:
    user = new_user()
    raw = body_of(said(user, "相談です"))
    chance = random.Random(1)
    forgeries = [forged(chance, sign(SECRET, raw)).strip() for _ in range(300)]

    # What no header can carry, an HTTP client does not send.
    answers = [await _post(line_shop, raw, each) for each in forgeries if each.isascii() and each.isprintable()]

    assert {answer.status_code for answer in answers} == {401}
    assert await line_shop.conversation_of(user) is None


async def test_the_right_signature_is_let_in(line_shop: LineShop) -> None:
    raw = body_of()

    answer = await _post(line_shop, raw, sign(SECRET, raw))

    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"1", id="number"),
        pytest.param(b'"x"', id="string"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="without-events"),
        pytest.param(b'{"events": null}', id="events-null"),
        pytest.param(b'{"events": {}}', id="events-an-object"),
        pytest.param(b'{"events": []', id="cut"),
        pytest.param(b'{"events": [],}', id="comma-too-many"),
        pytest.param(b'{"events": []} x', id="more-behind"),
        pytest.param(b'{"events": [], "events": []}', id="events-twice"),
        pytest.param(b'\xef\xbb\xbf{"events": []}', id="byte-order-mark"),
        pytest.param('{"events": []}'.encode("utf-16"), id="utf-16"),
        pytest.param('{"events": ["相談"]}'.encode("cp932"), id="shift-jis"),
        pytest.param(b'{"events": ' + b"[" * 100_000, id="100000-deep"),
        pytest.param(b'{"events": [' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}", id="100000-deep-objects"),
        pytest.param(b"\x1f\x8b\x08\x00", id="gzip"),
    ],
)
async def test_a_signed_body_that_is_no_batch_of_events_is_refused_in_words(line_shop: LineShop, raw: bytes) -> None:
    answer = await _post(line_shop, raw, sign(SECRET, raw))

    assert answer.status_code == 400, answer.text
    assert "expected" in answer.json()["detail"]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"events": [{"timestamp": ' + b"9" * 5_000 + b"}]}", id="5000-digits"),
        pytest.param(b'{"events": [' + b"[" * 500 + b"]" * 500 + b"]}", id="500-deep"),
        pytest.param(b'{"events": [NaN, 1e999, -Infinity]}', id="no-numbers"),
        pytest.param(b'{"events": ["\\ud800"]}', id="half-a-surrogate-pair"),
    ],
)
async def test_a_signed_batch_of_nonsense_is_parked(line_shop: LineShop, raw: bytes) -> None:
    answer = await _post(line_shop, raw, sign(SECRET, raw))

    assert answer.status_code == 200, answer.text
    assert await line_shop.events("parked")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_one_megabyte_is_refused_unread(line_shop: LineShop, chunked: bool) -> None:
    raw = b" " * (LARGEST_BODY + 1)

    async def pieces():
        for at in range(0, len(raw), 65_536):
            yield raw[at : at + 65_536]

    signed = JSON | {"X-Line-Signature": sign(SECRET, raw)}
    answer = await line_shop.shop.stranger.post(WEBHOOK, content=pieces() if chunked else raw, headers=signed)

    assert answer.status_code == 413


async def test_a_body_that_drips_is_given_up(line_shop: LineShop) -> None:
    raw = body_of()

    async def drips():
        yield raw[:9]
        await asyncio.sleep(LONGEST_SECONDS + 0.5)
        yield raw[9:]

    signed = JSON | {"X-Line-Signature": sign(SECRET, raw)}
    answer = await line_shop.shop.stranger.post(WEBHOOK, content=drips(), headers=signed)

    assert answer.status_code == 408


async def test_a_sender_that_hangs_up_within_its_body_is_no_error_of_ours(
    line_shop: LineShop, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = str(urlsplit(line_shop.shop.url).hostname), int(urlsplit(line_shop.shop.url).port or 0)
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 900\r\n\r\n"

    with socket.create_connection((host, port)) as connection:
        connection.sendall(head.encode() + b'{"events"')
        await asyncio.sleep(0.2)
    await asyncio.sleep(0.3)

    # Cases of other tests may call for somebody meanwhile.
    errors = [each for each in caplog.records if each.levelname == "ERROR" and each.name != "server.worker.alarms"]
    assert errors == []


@pytest.mark.parametrize("cap", ["MOST_AT_ONCE", "MOST_HELD_BYTES"])
async def test_bodies_that_drip_keep_only_each_other_out(
    line_shop: LineShop, monkeypatch: pytest.MonkeyPatch, cap: str
) -> None:
    host, port = str(urlsplit(line_shop.shop.url).hostname), int(urlsplit(line_shop.shop.url).port or 0)
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: {host}\r\nX-Line-Signature: {'A' * 44}\r\nContent-Length: 9000\r\n\r\n"
    monkeypatch.setattr(line_body, cap, {"MOST_AT_ONCE": 4, "MOST_HELD_BYTES": 4000}[cap])
    dripping = [socket.create_connection((host, port)) for _ in range(6)]
    for connection in dripping:
        connection.sendall(head.encode() + b"x" * 990)
    await asyncio.sleep(0.3)

    answer = await line_shop.deliver(said(new_user(), "相談です"))

    first = await asyncio.to_thread(dripping[0].recv, 100)
    for connection in dripping:
        connection.close()
    assert answer.status_code == 200
    assert first.startswith(b"HTTP/1.1 408")


async def test_200_idle_connections_keep_nobody_out(line_shop: LineShop) -> None:
    host, port = str(urlsplit(line_shop.shop.url).hostname), int(urlsplit(line_shop.shop.url).port or 0)
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: {host}\r\nX-Line-Signature: {'A' * 44}\r\nContent-Length: 900\r\n\r\n"
    idle = [socket.create_connection((host, port)) for _ in range(200)]
    for connection in idle:
        connection.sendall(head.encode() + b'{"events"')
    user = new_user()

    answer = await line_shop.deliver(said(user, "相談です"))

    for connection in idle:
        connection.close()
    assert answer.status_code == 200
    assert await line_shop.conversation_of(user) is not None


async def test_2000_events_in_one_body_are_all_stored(line_shop: LineShop) -> None:
    user = new_user()
    beacons = [said(user, "x") | {"type": "beacon"} for _ in range(2_000)]

    answer = await line_shop.deliver(*beacons)

    (stored,) = await line_shop.shop.rows("SELECT count(*) FROM line_events WHERE user_id = :u", u=user)
    assert answer.status_code == 200
    assert stored[0] == 2_000


def test_every_account_is_tried_and_the_one_that_fits_is_named() -> None:
    accounts = tuple(LineAccount(f"p-{number}", f"secret-{number}".encode(), "token") for number in range(5))

    assert [signer(accounts, b"body", sign(f"secret-{number}", b"body")) for number in range(5)] == [*accounts]


def test_no_account_lets_nobody_in() -> None:
    assert signer((), b"body", sign("", b"body")) is None


def test_another_spelling_of_the_right_digest_is_refused() -> None:
    account = LineAccount("p", b"secret", "token")
    right = sign("secret", b"body")
    spelled = right[:-2] + chr(ord(right[-2]) + 1) + "="  # the same 32 bytes to a lenient reader

    assert base64.b64decode(spelled) == base64.b64decode(right) or right[-2] in "/+9zZ"
    assert signer((account,), b"body", spelled) is None
