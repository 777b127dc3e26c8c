"""What goes out compressed: our own pages' answers and files; never what another site asked for, and never a stream."""

import gzip

import httpx2
import pytest

from server.console.assets import STATIC, address_of
from tests.api.listening import listening
from tests.api.people import browser, person
from tests.api.shop import Shop, new_id


@pytest.mark.parametrize(
    ("asked_by", "compressed"),
    [
        pytest.param({"Sec-Fetch-Site": "same-origin"}, True, id="our-own-page"),
        pytest.param({"Sec-Fetch-Site": "none"}, True, id="a-person"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, False, id="another-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, False, id="a-neighbour"),
        pytest.param({}, False, id="a-browser-that-does-not-say"),
    ],
)
async def test_a_page_is_compressed_only_for_ourselves(shop: Shop, asked_by: dict[str, str], compressed: bool) -> None:
    async with browser(shop, await person(shop)) as client:
        answer = await client.get("/?q=%E5%B1%B1%E7%94%B0", headers=asked_by)

    assert answer.status_code == 200
    assert ("content-encoding" in answer.headers, "x-padding" in answer.headers) == (compressed, compressed)
    assert "山田" in answer.text


async def test_equal_answers_differ_in_length(shop: Shop) -> None:
    lengths = set()
    async with browser(shop, await person(shop)) as client:
        for _ in range(8):
            answer = await client.get("/numbers", headers={"Sec-Fetch-Site": "same-origin"})
            lengths.add(len(answer.headers["x-padding"]))

    assert len(lengths) > 1


async def test_a_program_with_a_key_may_have_it_compressed(shop: Shop) -> None:
    for _ in range(5):
        await shop.say(new_id(), "体調の相談です", wait=None)

    answer = await shop.http.get("/v1/conversations")

    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["items"]) >= 5


async def test_the_event_stream_is_never_compressed(shop: Shop) -> None:
    async with listening(shop.http, headers={"Accept-Encoding": "gzip"}) as stream:
        assert "content-encoding" not in stream.headers
        await shop.say(new_id(), "体調の相談です", wait=None)

        await stream.hears("conversation", seconds=2)


async def test_a_file_is_the_same_compressed_or_not_and_may_be_kept_for_ever(shop: Shop) -> None:
    async with httpx2.AsyncClient(base_url=shop.url) as client:
        plain = await client.get(address_of("console.css"), headers={"Accept-Encoding": "identity"})
        async with client.stream("GET", address_of("console.css")) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])

    assert gzip.decompress(raw) == plain.content == (STATIC / "console.css").read_bytes()
    assert len(raw) < len(plain.content) / 2
    for each in (plain, answer):
        assert each.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert each.headers["vary"] == "Accept-Encoding"
