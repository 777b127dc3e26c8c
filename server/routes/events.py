"""The event stream: which of the pharmacy's things have changed, by their ids and nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from pharmacy.domain.rights import Right
from pharmacy.storage.notices import Subscription
from pharmacy.storage.refusals import StoreBusy
from server.access import BACKGROUND, Calling, Serving, SignedInRoute, may_still
from server.errors import SIGNED_IN, Responses
from server.program import Program
from server.rights import needs

router = APIRouter(tags=["events"], route_class=SignedInRoute)

CHECK_SECONDS = 3.0
"""How long a stream goes on for a caller whose key was revoked or whose session has ended."""

LOOK_SECONDS = 0.25
"""How soon a process that stops ends its streams."""

TOGETHER_SECONDS = 0.1
"""What changes again within this time is told once."""

RETRY_MILLISECONDS = 1000

_STREAM = {
    "description": "Events until the caller hangs up: `changed` (look at everything again: first of all, and whenever "
    "something may have been missed), `conversation`, `patient`, `product`, `policy`, and "
    "`presence` (who is in a conversation, or writes there, has changed). Each one's data is JSON with the "
    'id of what changed, such as `{"conversation_id": "c-1001"}`, and is empty where there is only one.'
}
_RESPONSES: Responses = SIGNED_IN | {
    200: _STREAM,
    503: SIGNED_IN[503] | {"description": "The store is busy, or too many streams are open; ask again."},
}
Seconds = Annotated[
    float | None,
    Query(ge=0, le=86_400, allow_inf_nan=False, description="End the stream after so many seconds; 0 after `changed`."),
]


async def _listening(program: Serving, by: Calling) -> AsyncIterator[Subscription]:
    with program.streams.listen(by.pharmacy_id) as news:
        yield news


@router.get(
    "/v1/events", openapi_extra=needs(Right.READ_WORDS) | BACKGROUND, response_class=EventSourceResponse,
    responses=_RESPONSES,
)  # fmt: skip
async def events(
    request: Request,
    program: Serving,
    news: Annotated[Subscription, Depends(_listening)],
    seconds: Seconds = None,
) -> AsyncIterator[ServerSentEvent]:
    """Tell what changes in the caller's pharmacy, as it is committed. An open stream keeps nobody signed in."""
    # Whatever was missed before this stream, or between it and the one before: no id of an event needs to be kept.
    yield _everything()
    until = time.monotonic() + seconds if seconds is not None else None

    async def may_go_on() -> bool:
        # Shielded: whoever hangs up while a connection is being made for it would leave that connection open.
        return await asyncio.shield(asyncio.create_task(_may_go_on(request)))

    async for payload in _heard(program, news, until, may_go_on):
        yield _event(payload)


async def _may_go_on(request: Request) -> bool:
    try:
        return await may_still(request, Right.READ_WORDS)
    except StoreBusy:  # nobody can say; and of a store that is away nothing is heard either
        return True


async def _heard(
    program: Program, news: Subscription, until: float | None, may_go_on: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str | None]:
    """Give what is told, each thing once in a while; None where something may have been missed."""
    checked = time.monotonic()
    while not program.stops and (until is None or time.monotonic() < until):
        if time.monotonic() - checked >= CHECK_SECONDS:
            if not await may_go_on():
                return
            checked = time.monotonic()
        if not await news.wait(LOOK_SECONDS):
            continue
        payloads, missed = news.take()
        for payload in [None] if missed else dict.fromkeys(payloads):
            yield payload
        await asyncio.sleep(TOGETHER_SECONDS)


def _event(payload: str | None) -> ServerSentEvent:
    if payload is None:
        return _everything()
    event, _, which = payload.partition("/")
    of = "conversation" if event == "presence" else event
    return ServerSentEvent(event=event, data={f"{of}_id": which} if which else {})


def _everything() -> ServerSentEvent:
    # A browser drops an event without data.
    return ServerSentEvent(event="changed", data={}, retry=RETRY_MILLISECONDS)
