"""How a route says which right it needs, and why the application does not start when one says nothing."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.rights import MAY, Right

NEEDED = "x-kakari-right"
OPEN = "x-kakari-open"
_DOCUMENTATION = frozenset({"/openapi.json"})


def needs(right: Right) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that only callers with `right` may use; the route is a `SignedInRoute`."""
    return {NEEDED: right.value}


def open_because(reason: str) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that asks for no key and no session, with why that is safe."""
    return {OPEN: reason}


def right_of(extra: Mapping[str, Any] | None) -> Right | None:
    """Return the right that a route's `openapi_extra` declares, or None where it declares none."""
    named = (extra or {}).get(NEEDED)
    return Right(named) if named is not None else None


def publish_roles(app: FastAPI) -> None:
    """Have the served document say what each role may."""
    describe = app.openapi

    def with_roles() -> dict[str, Any]:
        return describe() | {"x-kakari-roles": {role.value: sorted(rights) for role, rights in MAY.items()}}

    app.openapi = with_roles  # type: ignore[method-assign]


def query_names(route: APIRoute) -> frozenset[str]:
    """Return every name that a call of `route` may have in its query."""
    found = get_flat_params(route.dependant)
    return frozenset(field.alias for field in found if isinstance(field.field_info, params.Query))


def refuse_undeclared(routes: Iterable[BaseRoute], guarded: type[APIRoute]) -> None:
    """Refuse a route that has not said who may use it.

    Args:
        guarded: the class of routes that look at the right before anything else.

    Raises:
        ConfigError: names the first route that says nothing, or says it where nobody looks.
    """
    for route in leaves(routes):
        if isinstance(route, APIRoute):
            _refuse_unguarded(route, guarded)
        elif not (isinstance(route, Route) and route.path in _DOCUMENTATION):
            raise ConfigError(f"route {getattr(route, 'path', route)!r}: expected an API route, which can name a right")


def _refuse_unguarded(route: APIRoute, guarded: type[APIRoute]) -> None:
    where = f"route {sorted(route.methods or ())} {route.path!r}"
    right, opened = right_of(route.openapi_extra), (route.openapi_extra or {}).get(OPEN)
    if bool(right) == bool(opened):
        raise ConfigError(f"{where}: expected openapi_extra=needs(Right.…), or open_because('…'), and not both")
    if right and not isinstance(route, guarded):
        raise ConfigError(f"{where}: needs {right.value!r} but nobody checks; expected route_class=SignedInRoute")


def leaves(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Yield every route, those of included routers too."""
    for route in routes:
        inside = getattr(route, "original_router", None)
        if inside is None:
            yield route
        else:
            yield from leaves(inside.routes)
