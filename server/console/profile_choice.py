"""On the page of models: how much an earlier answer may cost, what each profile takes and costs, and the choice."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from pharmacy.domain.profile import Profile
from pharmacy.domain.rights import Right
from pharmacy.storage import reply_profiles
from server.access import Calling, Serving
from server.asks import Body, Note
from server.console.forms import read_form
from server.console.route import PageRoute
from server.rights import needs

router = APIRouter(prefix="/profile", include_in_schema=False, route_class=PageRoute)


class Choice(Body):
    """What somebody has chosen."""

    profile: Profile | Literal["default"]
    """`default` goes by the program's own setting again."""

    reason: Note = ""


@router.post("", openapi_extra=needs(Right.SET_SERVING))
async def choose(request: Request, program: Serving, by: Calling) -> Response:
    """Let a profile hold from the next message on, in every process."""
    form = await read_form(request, Choice)
    named = form.profile if isinstance(form.profile, Profile) else None
    async with program.database.begin(by.pharmacy_id) as tx:
        await reply_profiles.choose(tx, by.pharmacy_id, by.actor, named, form.reason)
    return RedirectResponse("/nodes?done=profile#profile-title", 303)
