"""Role by endpoint by object, from the document that is served: nobody may what the table of rights does not give."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pharmacy.domain.rights import MAY, Right
from pharmacy.settings import Settings
from tests.api.rights_matrix import Cell, callers_of, calls_of, rows_of, things_of, walk_all
from tests.api.shop import Shop, running

# Their bodies are right in form and wrong in content: a password that is not in force, a code of nothing.
REFUSED_FOR_THEIR_CONTENT = {"/v1/me/password", "/v1/me/second-factor/confirm"}
# A key can be revoked once and a canned reply removed; the text that the last one names was sent by a person.
GONE_BY_THEN = {
    "/v1/keys/{name}", "/v1/canned-replies/{name}", "/v1/conversations/{conversation_id}/automatic/{outbox_id}/cancel"
}  # fmt: skip


HOME, OTHER = "momiji", "elsewhere"


@pytest.fixture
async def two_pharmacies(own_settings: Settings) -> AsyncIterator[Shop]:
    """Return a pharmacy whose name stands nowhere but in what is its own."""
    async with running(own_settings.model_copy(update={"pharmacy_id": HOME})) as shop:
        yield shop


async def test_nobody_may_what_the_table_does_not_give(two_pharmacies: Shop, figure: Callable[..., None]) -> None:
    shop, home, other = two_pharmacies, HOME, OTHER
    calls = calls_of((await shop.stranger.get("/openapi.json")).json())
    own = await things_of(shop, shop.http, home)
    foreign = await things_of(shop, shop.foreign, other)

    before = await _still(shop, other)
    callers = await callers_of(shop, home)
    cells = await walk_all(shop, calls, callers, own, foreign)
    after = await rows_of(shop, other)

    wrong_allows = [str(cell) for cell in cells if cell.expected and cell.status != cell.expected]
    wrong_refusals = [str(cell) for cell in cells if not cell.expected and not _is_taken(cell)]
    changed = [table for table in before if before[table] != after[table]]
    told_apart = _told_apart(cells)
    wrong = len(wrong_allows) + len(changed) + len(told_apart)
    figure(
        "P14", "role × call × object: wrong allows, foreign rows changed, foreign told from unknown",
        measured=f"{wrong} of {len(cells):,} ({len(calls)} calls, {len({cell.caller for cell in cells})} callers)",
        asked="0", holds=wrong == 0,
    )  # fmt: skip
    assert (wrong_allows, changed, told_apart) == ([], [], [])
    assert wrong_refusals == []


async def test_another_pharmacys_callers_change_and_see_nothing_of_ours(two_pharmacies: Shop) -> None:
    shop, home, other = two_pharmacies, HOME, OTHER
    calls = calls_of((await shop.stranger.get("/openapi.json")).json())
    own = await things_of(shop, shop.http, home)
    foreign = await things_of(shop, shop.foreign, other)
    before = await _still(shop, home)
    callers = [caller for caller in await callers_of(shop, other) if len(caller.rights or ()) > 6]

    cells = await walk_all(shop, calls, callers, foreign, own)

    after = await rows_of(shop, home)
    assert len(callers) >= 5
    assert [table for table in before if before[table] != after[table]] == []
    assert _told_apart(cells) == []
    assert [str(cell) for cell in cells if home in cell.said] == []


async def test_the_document_says_which_right_each_call_needs_and_who_has_it(shop: Shop) -> None:
    document = (await shop.stranger.get("/openapi.json")).json()

    said = [call for methods in document["paths"].values() for call in methods.values()]

    assert [call["operationId"] for call in said if ("x-kakari-right" in call) == ("x-kakari-open" in call)] == []
    assert {role: set(rights) for role, rights in document["x-kakari-roles"].items()} == MAY
    assert {call.get("x-kakari-right") for call in said} - {None} <= set(Right)
    assert [call["operationId"] for call in said if "x-kakari-right" in call and not _documents_refusal(call)] == []


def _documents_refusal(call: dict[str, Any]) -> bool:
    schemes = {name for scheme in call.get("security", []) for name in scheme}
    return {"401", "403"} <= set(call["responses"]) and schemes == {"HTTPBearer", "APIKeyCookie"}


def _is_taken(cell: Cell) -> bool:
    if cell.thing != "own":
        return cell.status in (200, 404)
    content = cell.call.path in REFUSED_FOR_THEIR_CONTENT and cell.status in (422, 429)
    gone = cell.call.path in GONE_BY_THEN and cell.status == 404
    return cell.status < 300 or cell.status == 409 or content or gone


def _told_apart(cells: list[Cell]) -> list[str]:
    """Return the calls whose answer says whether a thing is another pharmacy's or nobody's."""
    said: dict[tuple[str, str, str, str], dict[str, str]] = defaultdict(dict)
    for cell in cells:
        kind = cell.thing.removeprefix("own with ")
        if kind in ("foreign", "unknown"):
            place = (cell.caller, cell.call.method, cell.call.path, cell.thing.removesuffix(kind))
            said[place][kind] = cell.said
    return [f"{place}: {both}" for place, both in said.items() if both["foreign"] != both["unknown"]]


async def _still(shop: Shop, pharmacy_id: str) -> dict[str, list[str]]:
    """Return a pharmacy's rows once its worker has done with them."""
    before = await rows_of(shop, pharmacy_id)
    while True:
        await asyncio.sleep(1)
        now = await rows_of(shop, pharmacy_id)
        # An alarm that reaches nobody is dropped by its job, which may come later than everything else.
        if now == before and not any(",queued," in row for row in now["alarms"]):
            return now
        before = now
