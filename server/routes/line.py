"""LINE: its webhook, the events in which a person has to look, and the files that patients sent."""

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel

from pharmacy.channels.line.body import BodyUnreadable, Piece, read_body
from pharmacy.channels.line.events import Effect, LineEvent, read_event
from pharmacy.channels.line.signature import signer
from pharmacy.domain.rights import Right
from pharmacy.storage import line_events
from pharmacy.storage.refusals import StoreBusy
from server.access import Calling, Serving, SignedInRoute
from server.answers import Problem
from server.errors import SIGNED_IN
from server.line_body import BodyGate
from server.line_taking import TOGETHER, take_events, take_idle
from server.program import Program
from server.rights import needs, open_because
from server.routes.conversations import After, Limit

OF_A_BODY = 4
"""How many patients of one body are taken side by side: a body of thousands keeps no other waiting."""

webhook = APIRouter(prefix="/v1/channels/line", tags=["line"])
router = APIRouter(prefix="/v1/channels/line", tags=["line"], route_class=SignedInRoute)

_signature = APIKeyHeader(
    name="X-Line-Signature", auto_error=False, description="Base64 of the body's HMAC-SHA256 under the channel secret."
)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["events"],
                    "properties": {
                        "destination": {"type": "string"},
                        "events": {"type": "array", "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The body is none of LINE's."},
    401: {"model": Problem, "description": "The signature is not that of the body under any account's secret."},
    408: {"model": Problem, "description": "The body did not come in time."},
    413: {"model": Problem, "description": "The body is too large."},
    503: {"model": Problem, "description": "Not everything could be stored; send it again."},
}


class Received(BaseModel):
    """Everything is stored."""


class EventOut(BaseModel):
    """An event that is no message."""

    event_id: str
    type: str
    state: Literal["done", "ignored", "parked"]
    said: str
    """Why it was ignored or parked."""

    redelivered: bool
    sent_at: str | None
    received_at: str
    raw: str | None
    """Its words, where a person has to look at them."""


class EventPage(BaseModel):
    """A page of events."""

    items: list[EventOut]
    next: str | None


async def _gate(request: Request) -> BodyGate:
    """Return the application's one gate."""
    state = request.app.state
    if not hasattr(state, "line_gate"):
        state.line_gate = BodyGate()
    gate: BodyGate = state.line_gate
    return gate


@webhook.post(
    "/webhook",
    response_model=Received,
    responses=_REFUSALS,
    openapi_extra=open_because("LINE signs each body; nothing is read of one that it did not sign") | _BODY,
)
async def receive(
    request: Request,
    program: Serving,
    gate: Annotated[BodyGate, Depends(_gate)],
    signature: Annotated[str | None, Security(_signature)],
) -> Any:
    """Take LINE's events. Everything is stored when this answers; what could not be read waits for a person."""
    raw = await gate.read(request)
    account = signer(program.line_accounts, raw, signature)
    if account is None:
        raise HTTPException(401, "X-Line-Signature: expected the body's own, under the channel secret")
    try:
        body = read_body(raw)
    except BodyUnreadable as error:
        raise HTTPException(400, str(error)) from None
    if account.bot_user_id is not None and body.destination != account.bot_user_id:
        raise HTTPException(400, "destination: expected this pharmacy's own bot")
    await _take_all(program, account.pharmacy_id, body.pieces)
    return Received()


async def _take_all(program: Program, pharmacy_id: str, pieces: Iterable[Piece]) -> None:
    """Take every event: those of one patient in their own order, patients side by side.

    Raises:
        StoreBusy: at least one could not be stored; the others are, and will be known when they come again.
    """
    of_patient: dict[str, list[LineEvent]] = {}
    idle: list[LineEvent] = []
    for piece in pieces:
        event = read_event(piece)
        doing = idle if event.effect is Effect.NOTHING else of_patient.setdefault(event.user_id or event.event_id, [])
        doing.append(event)
        await asyncio.sleep(0)  # two thousand events of one body keep nobody else waiting
    patients = asyncio.Semaphore(OF_A_BODY)

    async def take(events: list[LineEvent]) -> None:
        async with patients:
            in_order = sorted(events, key=_in_time)
            for first in range(0, len(in_order), TOGETHER):
                await take_events(program, pharmacy_id, in_order[first : first + TOGETHER])

    work = [take(events) for events in of_patient.values()]
    work += [take_idle(program, pharmacy_id, idle)] if idle else []
    ended = await asyncio.gather(*work, return_exceptions=True)
    failures = [end for end in ended if isinstance(end, BaseException)]
    if failures:
        # A bug before a busy store: it must be seen.
        raise min(failures, key=lambda end: isinstance(end, StoreBusy))


def _in_time(event: LineEvent) -> tuple[float, str]:
    return (event.sent_at.timestamp() if event.sent_at else 0.0, event.event_id)


@router.get("/events", openapi_extra=needs(Right.READ_WORDS), response_model=EventPage, responses=SIGNED_IN)
async def list_events(
    program: Serving, by: Calling, limit: Limit = 50, after: After = None,
    state: Literal["done", "ignored", "parked"] | None = None,
) -> Any:  # fmt: skip
    """List LINE's events that are no message, the newest first; the parked ones wait for a person to look."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await line_events.list_events(tx, by.pharmacy_id, state=state, limit=limit, after=after)
