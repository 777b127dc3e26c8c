"""Let a student take its next step, or the teacher serve again: said in full before it is done, with who and why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.rights import Right
from pharmacy.domain.serving import Serving as WhoServes
from pharmacy.settings import Settings
from pharmacy.storage import servings
from pharmacy.storage.access import Caller
from pharmacy.storage.refusals import Conflict, NotHere
from server.access import Calling, Serving
from server.asks import Body, Note, Version
from server.console.forms import read_form
from server.console.head import head_of
from server.console.languages import language_of
from server.console.model_words import ModelWords
from server.console.nodes_page import blanks_of
from server.console.route import PageRoute
from server.console.templates import named, page
from server.measuring import opened
from server.program import Program
from server.rights import needs

if TYPE_CHECKING:
    from distillation.promoting import Asked, Promotion
    from distillation.reasons import Reason

router = APIRouter(prefix="/nodes", include_in_schema=False, route_class=PageRoute)


class Confirmed(Body):
    """A step that somebody has read in full."""

    reason: Note = ""
    version: Version
    """The newest decision that they read; 0 where nobody had decided."""


class Measured(Confirmed):
    """A first step that somebody wants measured."""

    cost_told: Literal["", "yes"] = ""
    """`yes` where they have read what it will cost about."""


@dataclass(frozen=True)
class Cost:
    """What measuring will come to."""

    cases: int
    expected_usd: float | None
    """None where a price is unknown."""


class RolledBack(Body):
    """Why the teacher serves again."""

    reason: Note = ""


@dataclass(frozen=True)
class At:
    """Who stands before which node's page."""

    request: Request
    program: Program
    by: Caller
    node: str

    @property
    def settings(self) -> Settings:
        """The settings, for the caller's pharmacy."""
        return self.program.settings.model_copy(update={"pharmacy_id": self.by.pharmacy_id})

    def asked(self, reason: str = "") -> "Asked":
        """Return what they want; whoever has no account approves nothing."""
        from distillation.promoting import Asked

        return Asked(self.node, named(self.by.actor) if self.by.account_id else "", reason)

    async def page(
        self,
        status: int = 200,
        reason: str = "",
        *,
        overtaken: bool = False,
        cost: Cost | None = None,
        cannot: str = "",
    ) -> Response:  # fmt: skip
        """Return the page that says what the next step changes, and what speaks for and against it."""
        found, why = await self._found()
        measuring = self.program.measurings.of(self.by.pharmacy_id, self.node)
        if found and measuring and measuring.found and measuring.found.step == found.step:
            found = measuring.found  # whole runs are on no record
        async with self.program.database.begin(self.by.pharmacy_id) as tx:
            newest = (await servings.decided(tx, self.by.pharmacy_id)).get(self.node)
            head = await head_of(tx, self.program, self.by, "nodes")
        return page(
            self.request, "promote.html", status, **head, node=self.node, found=found, why=why, newest=newest,
            reason=reason, overtaken=overtaken, cost=cost, cannot=cannot, measuring=measuring,
            may_set=Right.SET_SERVING in self.by.rights,
            words=ModelWords(language_of(self.request), self.program.assembled.flow),
        )  # fmt: skip

    async def _found(self) -> "tuple[Promotion | None, Reason | str]":
        """Return the next step, or None and why there is none."""
        from distillation.on_record import on_record
        from distillation.steps import NothingToPromote

        assembled = self.program.assembled
        if self.node not in assembled.registry.tables.nodes:
            raise NotHere(f"node {self.node!r}: expected one of {[*assembled.registry.tables.nodes]}")
        try:
            return await on_record(self.program.database, self.settings, assembled, self.asked()), ""
        except NothingToPromote as error:
            return None, error.why
        except ConfigError as error:
            return None, str(error)

    async def take(self, given: Confirmed) -> Response:
        """Let the step happen, unless something speaks against it or somebody has decided meanwhile."""
        from distillation.promoting import decide

        if await self._is_overtaken(given):
            return await self.page(409, given.reason, overtaken=True)
        found, _ = await self._found()
        if found is None or not found.passes:
            return await self.page(422, given.reason)
        try:
            asked = self.asked(given.reason)
            await decide(self.program.database, self.settings, self.program.assembled, asked, found)
        except Conflict:
            return await self.page(409, given.reason, overtaken=True)
        return RedirectResponse(f"/nodes/{self.node}?done=promoted", 303)

    async def measure(self, given: Measured) -> Response:
        """Tell what measuring costs; once that was read, measure, and let the first step happen if all speaks for it.

        Whoever the plan does not name spends nothing: they are refused first.
        """
        if await self._is_overtaken(given):
            return await self.page(409, given.reason, overtaken=True)
        found, _ = await self._found()
        approved = found is not None and all(one.passes for one in found.checks if one.name == "approver")
        if found is None or found.step.name != "shadow" or not approved:
            return await self.page(422, given.reason)
        asked, database = self.asked(given.reason), self.program.database
        if given.cost_told:
            self.program.measurings.start(database, self.settings, asked)
            return RedirectResponse(f"/nodes/{self.node}/promote", 303)
        try:
            return await self.page(200, given.reason, cost=await self._cost(asked))
        except (ConfigError, NotHere) as error:
            return await self.page(422, given.reason, cannot=str(error))

    async def _cost(self, asked: "Asked") -> Cost:
        from distillation.promoting import begin

        assembled = await opened(self.program.database, self.settings)
        try:
            trial = (await begin(self.program.database, self.settings, assembled, asked)).trial
        finally:
            await assembled.registry.aclose()
        return Cost(len(trial.cases), trial.expected_usd) if trial else Cost(0, 0.0)

    async def _is_overtaken(self, given: Confirmed) -> bool:
        async with self.program.database.begin(self.by.pharmacy_id) as tx:
            newest = (await servings.decided(tx, self.by.pharmacy_id)).get(self.node)
        return (newest.seq if newest else 0) != given.version


@router.get("/{node}/promote", openapi_extra=needs(Right.READ_MODELS))
async def review(node: str, request: Request, program: Serving, by: Calling) -> Response:
    """Show what the student's next step changes, and what speaks for and against it."""
    return await At(request, program, by, node).page()


@router.post("/{node}/promote", openapi_extra=needs(Right.SET_SERVING))
async def promote(node: str, request: Request, program: Serving, by: Calling) -> Response:
    """Let the student take the step that was read."""
    return await At(request, program, by, node).take(await read_form(request, Confirmed))


@router.post("/{node}/measure", openapi_extra=needs(Right.SET_SERVING))
async def measure(node: str, request: Request, program: Serving, by: Calling) -> Response:
    """Measure the student for its first step, which it takes if nothing speaks against it."""
    return await At(request, program, by, node).measure(await read_form(request, Measured))


@router.post("/{node}/roll-back", openapi_extra=needs(Right.SET_SERVING))
async def roll_back(node: str, request: Request, program: Serving, by: Calling) -> Response:
    """Let the teacher serve again, at once and everywhere."""
    form = await read_form(request, RolledBack)
    async with program.database.begin(by.pharmacy_id) as tx:
        await blanks_of(tx, program, by, node)
        await servings.decide(tx, by.pharmacy_id, by.actor, node, WhoServes("teacher"), form.reason)
    return RedirectResponse(f"/nodes/{node}?done=rolled_back", 303)
