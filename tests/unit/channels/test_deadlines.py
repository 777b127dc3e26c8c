"""A receiver that drips its answer, or never stops, holds no slot: every call has one deadline and a byte cap."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from pharmacy.channels.alarms import Alarm, AlarmChannel, Route
from pharmacy.channels.api import ApiChannel
from pharmacy.channels.delivery import Delivery, Parcel
from pharmacy.channels.line.push import LinePush
from pharmacy.channels.signed_post import ANSWER_BYTES, LONGEST_WAIT_SECONDS, Poster, seconds_of

pytestmark = pytest.mark.timed

PARCEL = Parcel("5f0c0a64-0000-4000-8000-000000000001", "c", "patient", "text", "pharmacist")
ALARM = Alarm("5f0c0a64-0000-4000-8000-000000000002", "case", "p", "c", None, "E", "x", 0, 0, None)

Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _answering(answer: Answering) -> AsyncIterator[str]:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller has hung up, as it should
        finally:
            writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _drip(writer: asyncio.StreamWriter) -> None:
    """Answer one byte of a head after the other, each well within any time to read."""
    for byte in b"HTTP/1.1 500 " + b"x" * 60:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def _flood(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 no\r\nContent-Type: text/plain\r\n\r\n")
    for _ in range(ANSWER_BYTES):
        writer.write(b"x" * 1024)
        await writer.drain()


async def _by_api(url: str) -> Delivery:
    channel = ApiChannel(url, "secret", timeout_seconds=0.5)
    try:
        return (await channel.deliver(PARCEL)).delivery
    finally:
        await channel.close()


async def _by_line(url: str) -> Delivery:
    push = LinePush(url, timeout_seconds=0.5)
    try:
        return (await push.push("token", "U1", "text", PARCEL.retry_key)).delivery
    finally:
        await push.close()


@pytest.mark.parametrize("by", [pytest.param(_by_api, id="api"), pytest.param(_by_line, id="line")])
async def test_a_receiver_that_drips_is_left_and_asked_again_under_the_same_key(
    by: Callable[[str], Awaitable[Delivery]],
) -> None:
    async with _answering(_drip) as url:
        began = time.monotonic()

        delivery = await by(url)

    assert delivery is Delivery.AGAIN
    assert time.monotonic() - began < 2


async def test_an_alarms_address_that_drips_is_left() -> None:
    channel = AlarmChannel(Route(), Route(), timeout_seconds=0.5)
    async with _answering(_drip) as url:
        channel.first = Route(url)
        began = time.monotonic()

        told = await channel.tell(ALARM, ())

    await channel.close()
    assert (told.heard, told.problems) == (frozenset(), ("TimeoutError at the alarm's address",))
    assert time.monotonic() - began < 2


async def test_no_more_of_an_answer_is_read_than_its_beginning() -> None:
    poster = Poster(5)
    async with _answering(_flood) as url:
        answer = await poster.post(url, b"{}", {})

    await poster.close()
    assert (answer.status, len(answer.head)) == (500, ANSWER_BYTES)


@pytest.mark.parametrize("by", [pytest.param(_by_api, id="api"), pytest.param(_by_line, id="line")])
async def test_a_refused_connection_has_sent_nothing(by: Callable[[str], Awaitable[Delivery]]) -> None:
    async with _answering(_drip) as url:
        pass

    assert await by(url) is Delivery.NOT_TRIED


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("-1", 0.0, id="negative"),
        pytest.param("86400", LONGEST_WAIT_SECONDS, id="capped"),
        pytest.param("nan", None, id="not-a-number"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", None, id="a-date"),
    ],
)
def test_one_cap_holds_for_what_any_receiver_asks_for(said: str, seconds: float | None) -> None:
    assert seconds_of(said) == seconds


async def test_a_slow_connection_carries_no_text_past_the_moment_until_which_it_is_good() -> None:
    # A receiver that speaks no TLS leaves the greeting of one that does unanswered.
    async with _answering(_drip) as url:
        push = LinePush(url.replace("http:", "https:"), timeout_seconds=5.0)
        began = time.monotonic()
        try:
            ended = await push.push("token", "U1", "text", PARCEL.retry_key, began + 0.2)
        finally:
            await push.close()

    assert ended.delivery is Delivery.NOT_TRIED
    assert time.monotonic() - began < 2.0
