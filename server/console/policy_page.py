"""The page of automatic sending: what may go out by itself, what waits to, every change reviewed before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from pharmacy.domain.policy import Policy
from pharmacy.domain.policy_changes import changes
from pharmacy.domain.rights import Right
from pharmacy.storage import automatic_held, policy
from pharmacy.storage.access import Caller
from pharmacy.storage.database import Transaction
from pharmacy.storage.paging import Page
from pharmacy.storage.refusals import Stale
from server import letting
from server.access import BACKGROUND, Calling, Serving
from server.asks import Body, Line, Note
from server.console.forms import fields_of, read_form
from server.console.head import head_of, switch_of
from server.console.languages import language_of
from server.console.policy_form import fields_of_policy, grid, limits_of, marks_of_criterion, read_policy
from server.console.policy_words import PolicyWords
from server.console.route import PageRoute, is_partial
from server.console.templates import page
from server.letting import PolicyIn, SwitchIn
from server.program import Program
from server.rights import needs

router = APIRouter(prefix="/policy", include_in_schema=False, route_class=PageRoute)
_READ, _SET = needs(Right.READ_POLICY), needs(Right.SET_POLICY)

HELD_ROWS, VERSIONS = 50, 10
MOST_FIELDS = 1_000


class Stop(Body):
    """Why automatic sending stops."""

    reason: Note = ""


class Release(Body):
    """Why it may run again."""

    reason: Line


@dataclass(frozen=True)
class At:
    """Who stands before the page."""

    request: Request
    program: Program
    by: Caller

    @property
    def words(self) -> PolicyWords:
        """The words of their language."""
        return PolicyWords(language_of(self.request), self.program.assembled.flow)

    async def page(
        self, entered: Mapping[str, str] | None = None, status: int = 200, wrong: tuple[str, ...] = (), done: str = ""
    ) -> Response:
        """Return the page.

        Args:
            entered: what somebody has entered and not set yet; without it, what holds.
            wrong: what of it cannot be, in words.
            done: the code of what was just done.
        """
        async with self.program.database.begin(self.by.pharmacy_id) as tx:
            blanks = await self._blanks(tx, entered)
        return page(self.request, "policy.html", status, **blanks, wrong=wrong, done=done)

    async def _blanks(self, tx: Transaction, entered: Mapping[str, str] | None) -> dict[str, Any]:
        file = self.program.assembled.policy
        shown = await letting.shown(tx, self.program, self.by)
        now: Policy = shown["policy"] or file.first
        given = fields_of_policy(now, file.flow)
        if entered is not None:  # a browser's form leaves out what is empty
            given = {name: entered.get(name, "") for name in given}
        given["version"] = str(shown["version"])
        items, older = await letting.history(tx, self.program, self.by, limit=VERSIONS, below=None)
        return await self.head(tx) | {
            "shown": shown, "flow": file.flow, "words": self.words, "entered": given,
            "first": fields_of_policy(file.first, file.flow), "grid": grid(given, file), "ranges": limits_of(file),
            "marks_of": marks_of_criterion, "may_set": Right.SET_POLICY in self.by.rights,
            "held": await held_of(tx, self.by), "count": shown["held"], "said": "",
            "versions": items, "older": older,
        }  # fmt: skip

    async def head(self, tx: Transaction) -> dict[str, Any]:
        """Return what the head of the page shows."""
        return await head_of(tx, self.program, self.by, "policy")

    async def review(self, given: Mapping[str, str], status: int = 200, since: int | None = None) -> Response:
        """Return what exactly would change.

        Args:
            since: the version that was read first; what others have changed since then is shown as well.
        """
        file = self.program.assembled.policy
        async with self.program.database.begin(self.by.pharmacy_id) as tx:
            shown, head = await letting.shown(tx, self.program, self.by), await self.head(tx)
            read = await letting.of_version(tx, self.program, self.by, since) if since is not None else None
        now: Policy = shown["policy"] or file.first
        if read is not None:  # what was only read, and not entered, is what the others made of it
            before, after = fields_of_policy(read, file.flow), fields_of_policy(now, file.flow)
            untouched = {name for name, value in before.items() if given.get(name, "") == value}
            given = {**given, **{name: after[name] for name in untouched}}
        asked, wrong = read_policy(given, now, file)
        if asked is None:
            return await self.page(given, 422, tuple(dict.fromkeys(self.words.place(place) for place in wrong)))
        others = changes(read, now, file.flow) if read else []
        found = [*changes(now, asked, file.flow)]
        return page(
            self.request, "policy_review.html", status, **head, shown=shown, words=self.words,
            changes=self.words.said(found), others=self.words.said(others), overtaken=since is not None,
            given={**given, "version": str(shown["version"])}, reason=given.get("reason", ""),
        )  # fmt: skip


@router.get("", openapi_extra=_READ)
async def whole(request: Request, program: Serving, by: Calling, done: Literal["", "set"] = "") -> Response:
    """Show the policy that runs, what waits under it, and how it came to be."""
    return await At(request, program, by).page(done=done)


@router.get("/held", openapi_extra=needs(Right.READ_WORDS) | BACKGROUND)
async def held(request: Request, program: Serving, by: Calling) -> Response:
    """Show what waits to go out."""
    return await _held_page(request, program, by)


@router.get("/versions", openapi_extra=_READ)
async def versions(
    request: Request, program: Serving, by: Calling, below: Annotated[int, Query(ge=1, le=2**31 - 1)]
) -> Response:
    """Show older versions."""
    async with program.database.begin(by.pharmacy_id) as tx:
        items, older = await letting.history(tx, program, by, limit=VERSIONS, below=below)
    return page(request, "policy_versions.html", versions=items, older=older, words=At(request, program, by).words)


@router.get("/switch", openapi_extra=_READ | BACKGROUND)
async def switch(request: Request, program: Serving, by: Calling) -> Response:
    """Show where the kill switch stands."""
    return await _switch_page(request, program, by, "")


@router.post("/edit", openapi_extra=_SET)
async def edit(request: Request, program: Serving, by: Calling) -> Response:
    """Show the page with what was entered, to go on entering."""
    return await At(request, program, by).page(await _entered(request))


@router.post("/review", openapi_extra=_SET)
async def review(request: Request, program: Serving, by: Calling) -> Response:
    """Show what exactly would change, and ask why."""
    return await At(request, program, by).review(await _entered(request))


@router.post("/set", openapi_extra=_SET)
async def confirm(request: Request, program: Serving, by: Calling) -> Response:
    """Set what was reviewed; if somebody was quicker, show what they changed and what is left to change."""
    at, given = At(request, program, by), await _entered(request)
    async with program.database.begin(by.pharmacy_id) as tx:
        now = (await policy.in_force(tx, by.pharmacy_id, program.assembled.policy)).policy
    asked, _ = read_policy(given, now or program.assembled.policy.first, program.assembled.policy)
    try:
        reason, version = given.get("reason", "").strip(), int(given.get("version", ""))
        body = PolicyIn(version=version, reason=reason, policy=asked)  # type: ignore[arg-type]
    except ValueError:  # no policy, no reason, or no version
        return await at.review(given, 422)
    try:
        await letting.set_policy(program, by, body)
    except Stale:
        return await at.review(given, 409, since=version)
    return RedirectResponse("/policy?done=set", 303)


@router.post("/stop", openapi_extra=needs(Right.STOP_SENDING))
async def stop(request: Request, program: Serving, by: Calling) -> Response:
    """Stop all automatic sending."""
    form = await read_form(request, Stop)
    _, taken_back = await letting.turn(program, by, SwitchIn(on=True, reason=form.reason))
    told = language_of(request).coded("switch", "stopped", {"taken": taken_back})
    return await _turned(request, program, by, told)


@router.post("/release", openapi_extra=_SET)
async def release(request: Request, program: Serving, by: Calling) -> Response:
    """Let automatic sending run again."""
    form = await read_form(request, Release)
    await letting.turn(program, by, SwitchIn(on=False, reason=form.reason))
    return await _turned(request, program, by, language_of(request).coded("switch", "released"))


@router.post("/held/{conversation_id}/{outbox_id}/cancel", openapi_extra=needs(Right.DECIDE))
async def cancel(conversation_id: str, outbox_id: UUID, request: Request, program: Serving, by: Calling) -> Response:
    """Take one automatic text back."""
    language = language_of(request)
    try:
        await letting.cancel(program, by, conversation_id, outbox_id)
    except Stale as stale:
        return await _held_page(request, program, by, language.coded("stale", stale.state or "newer"), 409)
    if not is_partial(request):
        return RedirectResponse("/policy", 303)
    return await _held_page(request, program, by, language.coded("done", "cancelled"))


async def held_of(tx: Transaction, by: Caller) -> Page | None:
    """Return the texts that wait to go out, or None for whoever may not read them."""
    if Right.READ_WORDS not in by.rights:
        return None
    return await automatic_held.list_held(tx, by.pharmacy_id, limit=HELD_ROWS, after=None)


async def _held_page(request: Request, program: Program, by: Caller, said: str = "", status: int = 200) -> Response:
    async with program.database.begin(by.pharmacy_id) as tx:
        found, count = await held_of(tx, by), await automatic_held.count_held(tx, by.pharmacy_id)
    at = At(request, program, by)
    return page(request, "held.html", status, held=found, count=count, caller=by, said=said, words=at.words)


async def _turned(request: Request, program: Program, by: Caller, told: str) -> Response:
    return await _switch_page(request, program, by, told) if is_partial(request) else RedirectResponse("/policy", 303)


async def _switch_page(request: Request, program: Program, by: Caller, told: str) -> Response:
    async with program.database.begin(by.pharmacy_id) as tx:
        shown = await switch_of(tx, by, told)
    return page(request, "switch.html", **shown)


async def _entered(request: Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await fields_of(request, MOST_FIELDS)).items()}
