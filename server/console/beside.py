"""What a person does beside answering: note something, set the conversation aside, put its phase or category right."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field

from pharmacy.domain.rights import Right
from pharmacy.domain.snooze import own_time, times
from pharmacy.storage import notes
from server import deciding
from server.access import Calling, Serving
from server.asks import Body, Correct, Name
from server.console.decisions import Desk
from server.console.desk import of_conversation
from server.console.forms import read_form
from server.console.languages import language_of
from server.console.route import PageRoute, is_partial
from server.console.templates import page
from server.console.view import View
from server.errors import Refused
from server.program import Program
from server.rights import needs
from server.routes.notes import NoteIn

router = APIRouter(prefix="/desk/conversations", include_in_schema=False, route_class=PageRoute)
_DECIDE = needs(Right.DECIDE)


class Aside(Body):
    """Until when the conversation is set aside."""

    choice: Literal["hour", "opening", "week", "own"]
    until: Annotated[str, Field(max_length=30)] = ""
    """As a browser's field for date and time writes it, with no offset: the pharmacy's clock."""


class PutRight(Body):
    """What the conversation is put right to, and what stood on the screen: only what differs is changed."""

    phase: Name | None = None
    category: Name | None = None
    was_phase: Name | None = None
    was_category: Name | None = None

    def correction(self) -> Correct:
        """Return what differs."""
        changed = {}
        if self.phase not in (None, self.was_phase):
            changed["phase"] = self.phase
        if self.category not in (None, self.was_category):
            changed["category"] = self.category
        return Correct.model_validate(changed)


@router.post("/{conversation_id}/notes", openapi_extra=_DECIDE)
async def write_note(conversation_id: str, request: Request, program: Serving, by: Calling) -> Response:
    """Keep a private note, and show it among the messages; the rest of the page stays as it is."""
    form = await read_form(request, NoteIn)
    async with program.database.begin(by.pharmacy_id) as tx:
        await notes.write(tx, by.pharmacy_id, conversation_id, by.actor, form.text)
    if not is_partial(request):
        return RedirectResponse(View(c=conversation_id).address(), 303)
    return page(request, "note_kept.html", **await of_conversation(request, program, by, View(c=conversation_id)))


@router.post("/{conversation_id}/snooze", openapi_extra=_DECIDE)
async def snooze(conversation_id: str, request: Request, program: Serving, by: Calling) -> Response:
    """Set the conversation aside, and open the next one; a time that cannot be is said where it was written."""
    form = await read_form(request, Aside)
    language = language_of(request)
    try:
        until = _until(program, form)
        work = partial(deciding.correct, program, by, conversation_id, Correct(snoozed_until=until))
        said = {"until": language.moment(until)}
        return await Desk(request, program, by).decided(conversation_id, work, "snoozed", stays=False, values=said)
    except Refused:
        if not is_partial(request):
            raise
        answer = page(request, "snooze_refused.html", 422)
        answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#snooze-refused", "innerHTML"
        return answer


@router.post("/{conversation_id}/wake", openapi_extra=_DECIDE)
async def wake(conversation_id: str, request: Request, program: Serving, by: Calling) -> Response:
    """Take the conversation back into the queue."""
    work = partial(deciding.correct, program, by, conversation_id, Correct(snoozed_until=None))
    return await Desk(request, program, by).decided(conversation_id, work, "woken")


@router.post("/{conversation_id}/correct", openapi_extra=_DECIDE)
async def correct(conversation_id: str, request: Request, program: Serving, by: Calling) -> Response:
    """Put phase or category right."""
    change = (await read_form(request, PutRight)).correction()
    work = partial(deciding.correct, program, by, conversation_id, change)
    done = "corrected" if change.model_fields_set else "unchanged"
    return await Desk(request, program, by).decided(conversation_id, work, done)


def _until(program: Program, form: Aside) -> datetime:
    """Return the time that is meant.

    Raises:
        Refused: it is no date and time.
    """
    hours = program.bell.texts.hours
    if form.choice != "own":
        return times(hours, datetime.now(UTC))[form.choice]
    try:
        return own_time(hours, form.until)
    except ValueError:
        raise Refused("until", form.until, "expected a date and a time") from None
