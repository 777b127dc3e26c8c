"""What a person decides at the desk: each form is one of the API's calls, and its answer is what to look at next."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from pharmacy.domain.gates.claims import ClaimHit
from pharmacy.domain.rights import Right
from pharmacy.storage import people, reading
from pharmacy.storage.access import Caller
from pharmacy.storage.refusals import NotHere, Stale
from server import deciding
from server.access import Calling, Serving
from server.asks import Acknowledge, Approve, Ask, Edit, Regenerate, Reject, Resolve, Respond
from server.console.desk import pane
from server.console.forms import read_form
from server.console.languages import language_of
from server.console.queue_view import rows_of
from server.console.route import PageRoute, is_partial
from server.console.templates import visible
from server.console.view import View
from server.outgoing import WordingRefused
from server.program import Program
from server.rights import needs

router = APIRouter(prefix="/desk", include_in_schema=False, route_class=PageRoute)
_DECIDE = needs(Right.DECIDE)

Work = Callable[[], Awaitable[Any]]
NOTHING: Mapping[str, str] = MappingProxyType({})
LONGEST_FOUND = 40
"""Characters of what the output gate found that are repeated."""


@dataclass(frozen=True)
class Desk:
    """Who decides, and where they stand."""

    request: Request
    program: Program
    by: Caller

    async def decided(
        self, conversation_id: str, work: Work, done: str, *, stays: bool = True, values: Mapping[str, str] = NOTHING
    ) -> Response:
        """Do it, and return the conversation, or the next one of the queue.

        Args:
            done: the code of what is then said.
            stays: False to open the next conversation.
            values: what the sentence's blanks are filled with.
        """
        return await self._answered(conversation_id, work, done, None, stays=stays, values=values)

    async def sent(self, conversation_id: str, work: Work, words: Edit | Respond) -> Response:
        """Send words, and return the next conversation; what keeps them back is shown beside them."""
        return await self._answered(conversation_id, work, "sent", words, stays=False)

    async def _answered(
        self, conversation_id: str, work: Work, done: str, words: Edit | Respond | None, *, stays: bool,
        values: Mapping[str, str] = NOTHING,
    ) -> Response:  # fmt: skip
        view, language = (
            replace(View.of_page(self.request, self.program.assembled.flow), c=conversation_id),
            language_of(self.request),
        )
        show = partial(pane, self.request, self.program, self.by)
        typed: dict[str, Any] = {}
        if words is not None:
            typed = {
                "typed": words.text,
                "reason_typed": words.reason or "",
                "cause_typed": _cause(words),
                "closes_typed": words.closes is not None,
            }
        try:
            await work()
        except Stale as stale:
            said = "" if stale.newer_messages else language.coded("stale", stale.state or "newer")
            return await show(view, 409, **typed, newer=stale.newer_messages, said=said)
        except WordingRefused as refused:
            return await show(view, 422, **typed, found=_by_rule(refused.found), asks_reason=True)
        view = view if stays else await self._next(view)
        if not is_partial(self.request):
            return RedirectResponse(view.address(), 303)
        # What is then shown may be the next patient's.
        said = language.coded("done", done, {"who": await self._who(conversation_id), **values})
        answer = await show(view, done=said)
        answer.headers["HX-Push-Url"] = view.address()
        return answer

    async def _next(self, view: View) -> View:
        """Return the view of whoever has waited longest of those that the queue lists, or of nobody."""
        async with self.program.database.begin(self.by.pharmacy_id) as tx:
            rows = (await rows_of(tx, self.program, self.by, view, None)).items
        return replace(view, c=next((row["id"] for row in rows if row["id"] != view.c), ""))

    async def _who(self, conversation_id: str) -> str:
        async with self.program.database.begin(self.by.pharmacy_id) as tx:
            try:
                patient_id = (await reading.conversation_row(tx, self.by.pharmacy_id, conversation_id)).patient_id
                profile = await people.patient_profile(tx, self.by.pharmacy_id, patient_id)
            except NotHere:  # erased meanwhile: what was decided is done all the same
                return conversation_id
        return visible(str(profile.get("name") or patient_id))

    async def conversation_of(self, suggestion_id: UUID) -> str:
        """Return whose draft it is.

        Raises:
            NotHere: this pharmacy has no such suggestion.
        """
        return str((await self.draft(suggestion_id))["conversation_id"])

    async def draft(self, suggestion_id: UUID) -> dict[str, Any]:
        """Return the draft; raises as `conversation_of`."""
        async with self.program.database.begin(self.by.pharmacy_id) as tx:
            return await reading.one_suggestion(tx, self.by.pharmacy_id, suggestion_id)


@router.post("/suggestions/{suggestion_id}/send", openapi_extra=_DECIDE)
async def send(suggestion_id: UUID, request: Request, program: Serving, by: Calling) -> Response:
    """Send the words as they stand on the screen: the draft as it is, or another wording."""
    form, at = await read_form(request, Edit), Desk(request, program, by)
    draft = await at.draft(suggestion_id)
    if form.text == draft["text"]:
        as_it_is = Approve(version=form.version, closes=form.closes, reason=form.reason)
        work = partial(deciding.approve, program, by, suggestion_id, as_it_is)
        return await at.sent(draft["conversation_id"], work, form)
    return await at.sent(draft["conversation_id"], partial(deciding.edit, program, by, suggestion_id, form), form)


@router.post("/suggestions/{suggestion_id}/reject", openapi_extra=_DECIDE)
async def reject(suggestion_id: UUID, request: Request, program: Serving, by: Calling) -> Response:
    """Refuse the draft; one whose matter is dealt with leaves nothing to do here."""
    form, at = await read_form(request, Reject), Desk(request, program, by)
    work = partial(deciding.reject, program, by, suggestion_id, form)
    return await at.decided(await at.conversation_of(suggestion_id), work, "refused", stays=form.reason != "handled")


@router.post("/suggestions/{suggestion_id}/regenerate", openapi_extra=_DECIDE)
async def regenerate(suggestion_id: UUID, request: Request, program: Serving, by: Calling) -> Response:
    """Have it written again."""
    form, at = await read_form(request, Regenerate), Desk(request, program, by)
    work = partial(deciding.regenerate, program, by, suggestion_id, form)
    return await at.decided(await at.conversation_of(suggestion_id), work, "asked")


@router.post("/conversations/{conversation_id}/respond", openapi_extra=_DECIDE)
async def respond(conversation_id: str, request: Request, program: Serving, by: Calling) -> Response:
    """Send the person's own reply."""
    form = await read_form(request, Respond)
    work = partial(deciding.respond, program, by, conversation_id, form)
    return await Desk(request, program, by).sent(conversation_id, work, form)


@router.post("/conversations/{conversation_id}/ask", openapi_extra=_DECIDE)
async def ask(conversation_id: str, request: Request, program: Serving, by: Calling) -> Response:
    """Ask for a draft."""
    work = partial(deciding.ask, program, by, conversation_id, await read_form(request, Ask))
    return await Desk(request, program, by).decided(conversation_id, work, "asked")


@router.post("/conversations/{conversation_id}/stop", openapi_extra=_DECIDE)
async def stop(conversation_id: str, request: Request, program: Serving, by: Calling) -> Response:
    """Stop the draft in work."""
    work = partial(deciding.stop_run, program, by, conversation_id)
    return await Desk(request, program, by).decided(conversation_id, work, "stopped")


@router.post("/conversations/{conversation_id}/take-over", openapi_extra=_DECIDE)
async def take_over(conversation_id: str, request: Request, program: Serving, by: Calling) -> Response:
    """Hold the conversation."""
    work = partial(deciding.take_over, program, by, conversation_id)
    return await Desk(request, program, by).decided(conversation_id, work, "taken_over")


@router.post("/conversations/{conversation_id}/give-back", openapi_extra=_DECIDE)
async def give_back(conversation_id: str, request: Request, program: Serving, by: Calling) -> Response:
    """Let the flow look at the next message again."""
    work = partial(deciding.give_back, program, by, conversation_id)
    return await Desk(request, program, by).decided(conversation_id, work, "given_back")


@router.post("/conversations/{conversation_id}/claim", openapi_extra=_DECIDE)
async def claim(conversation_id: str, request: Request, program: Serving, by: Calling) -> Response:
    """Say that the caller looks after it."""
    work = partial(deciding.claim, program, by, conversation_id)
    return await Desk(request, program, by).decided(conversation_id, work, "claimed")


@router.post("/handovers/{handover_id}/acknowledge", openapi_extra=_DECIDE)
async def acknowledge(handover_id: UUID, request: Request, program: Serving, by: Calling) -> Response:
    """Say that the caller is on it."""
    work = partial(deciding.acknowledge, program, by, handover_id, await read_form(request, Acknowledge))
    return await Desk(request, program, by).decided(await _of_case(program, by, handover_id), work, "acknowledged")


@router.post("/handovers/{handover_id}/resolve", openapi_extra=_DECIDE)
async def resolve(handover_id: UUID, request: Request, program: Serving, by: Calling) -> Response:
    """Close the case."""
    work = partial(deciding.resolve, program, by, handover_id, await read_form(request, Resolve))
    of = await _of_case(program, by, handover_id)
    return await Desk(request, program, by).decided(of, work, "resolved", stays=False)


def _cause(words: Edit | Respond) -> str:
    return (words.cause or "") if isinstance(words, Edit) else ""


def _by_rule(found: Sequence[ClaimHit]) -> dict[str, list[str]]:
    """Return each rule's sentence with the words that it holds, cut short where they are many."""
    words: dict[str, list[str]] = {}
    for hit in found:
        matched = hit.matched if len(hit.matched) <= LONGEST_FOUND else f"{hit.matched[:LONGEST_FOUND]}…"
        words.setdefault(hit.reason_ja, []).append(matched)
    return {sentence: [*dict.fromkeys(each for each in held if each)] for sentence, held in words.items()}


async def _of_case(program: Program, by: Caller, handover_id: UUID) -> str:
    async with program.database.begin(by.pharmacy_id) as tx:
        return str((await reading.one_handover(tx, by.pharmacy_id, handover_id))["conversation_id"])
