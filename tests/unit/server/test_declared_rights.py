"""A route that does not say who may use it keeps the application from starting."""

import re

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.rights import MAY, PEOPLE, Right, Role
from pharmacy.settings import CHECKOUT
from server.access import SignedInRoute
from server.rights import needs, open_because, refuse_undeclared


async def _answer() -> None:
    """Answer nothing."""


def _app(route_class: type, **declared: object) -> FastAPI:
    inner = APIRouter(route_class=route_class)
    inner.add_api_route("/thing", _answer, methods=["POST"], **declared)
    outer = APIRouter(prefix="/v1")
    outer.include_router(inner)
    app = FastAPI(docs_url=None, redoc_url=None)
    app.include_router(outer)
    return app


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"openapi_extra": {"x-other": 1}}, id="something-else"),
        pytest.param({"openapi_extra": open_because("")}, id="no-reason"),
        pytest.param({"openapi_extra": needs(Right.DECIDE) | open_because("both")}, id="both"),
    ],
)
def test_a_route_that_does_not_say_who_may_is_refused(declared: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=re.escape("route ['POST'] '/thing': expected openapi_extra=needs")):
        refuse_undeclared(_app(SignedInRoute, **declared).routes, SignedInRoute)


def test_a_right_that_nobody_checks_is_refused() -> None:
    with pytest.raises(ConfigError, match="nobody checks"):
        refuse_undeclared(_app(APIRoute, openapi_extra=needs(Right.DECIDE)).routes, SignedInRoute)


def test_what_is_no_api_route_is_refused() -> None:
    app = FastAPI(docs_url=None, redoc_url=None)
    app.mount("/files", FastAPI())

    with pytest.raises(ConfigError, match="'/files': expected an API route"):
        refuse_undeclared(app.routes, SignedInRoute)


@pytest.mark.parametrize("declared", [needs(Right.DECIDE), open_because("signed by LINE")], ids=["needs", "open"])
def test_a_route_that_says_who_may_is_taken(declared: dict[str, object]) -> None:
    refuse_undeclared(_app(SignedInRoute, openapi_extra=declared).routes, SignedInRoute)


def test_every_right_is_held_by_somebody() -> None:
    assert set().union(*MAY.values()) == set(Right)


def test_only_machines_hand_in_messages_and_only_admins_manage_accounts() -> None:
    holders = {right: {role for role in PEOPLE if right in MAY[role]} for right in Right}

    assert holders[Right.TAKE_MESSAGES] == set()
    assert holders[Right.MANAGE_ACCOUNTS] == holders[Right.MANAGE_KEYS] == {"admin"}
    assert holders[Right.READ_WORDS] == holders[Right.DECIDE] == {"pharmacist", "lead"}


def test_the_table_that_people_read_is_the_one_that_holds() -> None:
    lines = (CHECKOUT / "docs/decisions/0011-who-may-do-what.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    roles = [Role(name) for name in rows[0][1:]]

    told = {role: {Right(row[0]) for row in rows[1:] if row[at]} for at, role in enumerate(roles, 1)}

    assert told == MAY
