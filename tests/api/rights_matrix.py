"""Every call of the served documentation, by every kind of caller, on own, foreign and unknown things."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
from sqlalchemy import text

from pharmacy.domain.rights import EVERY_RIGHT, MAY, PEOPLE, Right, Role
from pharmacy.storage import access, access_accounts, access_sessions
from pharmacy.storage.access_sessions import SignedIn
from pharmacy.storage.tables import metadata
from tests.api.people import PASSWORD, person
from tests.api.shop import Shop, new_id

SAFE = frozenset({"GET", "HEAD"})
NOT_FOUND_ALIKE = ("foreign", "unknown")
QUERIES = {
    ("GET", "/v1/events"): {"seconds": 0},  # goes on and on unless it is told to end at once
    ("DELETE", "/v1/canned-replies/{name}"): {"version": 1},
}
"""Calls that need a query, and which."""


@dataclass(frozen=True)
class Call:
    """One operation of the document."""

    method: str
    path: str
    right: Right
    schema: str | None
    """The name of its body's schema."""

    @property
    def names(self) -> list[str]:
        """What its path names."""
        return re.findall(r"{(\w+)}", self.path)


@dataclass
class Caller:
    """Somebody who calls."""

    label: str
    rights: frozenset[Right] | None
    """None for whoever is not let in at all."""

    headers: Mapping[str, str] = field(default_factory=dict)
    origin: str | None = "own"
    person: Any = None

    def verdict(self, call: Call) -> int | None:
        """Return the status that refuses them, computed from the table of rights; None where they may."""
        if self.rights is None:
            return 401
        from_elsewhere = "Cookie" in self.headers and self.origin != "own" and call.method not in SAFE
        return 403 if from_elsewhere or call.right not in self.rights else None


@dataclass(frozen=True)
class Cell:
    """One call that was made."""

    call: Call
    caller: str
    thing: str
    expected: int | None
    status: int
    said: str
    """The answer without the ids that were asked for."""

    def __str__(self) -> str:
        want = self.expected or "allowed"
        return f"{self.caller}: {self.call.method} {self.call.path} on {self.thing}: {self.status}, expected {want}"


def calls_of(document: Mapping[str, Any]) -> list[Call]:
    """Return every operation that names a right."""
    return [
        Call(method.upper(), path, Right(call["x-kakari-right"]), _schema(call))
        for path, methods in document["paths"].items()
        for method, call in methods.items()
        if "x-kakari-right" in call
    ]


async def things_of(shop: Shop, client: httpx2.AsyncClient, pharmacy_id: str) -> dict[str, str]:
    """Return the ids of one pharmacy's things, one for each name that a path may have."""
    made = {name: f"{pharmacy_id}-{name}" for name in ("conversation_id", "patient_id", "product_id")}
    body = {"conversation_id": made["conversation_id"], "text": "相談です", "patient": {"id": made["patient_id"]}}
    asked = {"wait": 20}
    suggestion = (await client.post("/v1/messages", json=body, params=asked)).json()
    urgent = {"conversation_id": f"{pharmacy_id}-urgent", "text": "緊急語です"}
    handover = (await client.post("/v1/messages", json=urgent, params=asked)).json()
    await client.put(f"/v1/products/{made['product_id']}", json={"formula": "f"})
    reply = {"version": 1, "text": "承知しました。"}
    sent = (await client.post(f"/v1/conversations/{pharmacy_id}-urgent/messages", json=reply)).json()
    file = "INSERT INTO media (pharmacy_id, conversation_id, message_id, channel_message_id, kind, state, content_type,"
    file += " size, content) VALUES (:p, :c, :m, '1', 'image', 'stored', 'image/png', 4, 'file')"
    async with shop.program.database.begin(pharmacy_id) as tx:
        named = {"p": pharmacy_id, "c": made["conversation_id"], "m": suggestion["message_id"]}
        await tx.execute(text(file), named)
        name = f"{pharmacy_id}-key"
        await access.create_key(tx, pharmacy_id, name, "test")
    await client.put(f"/v1/canned-replies/{name}", json={"version": 0, "text": "承知しました。"})
    return made | {
        "suggestion_id": suggestion["suggestion_id"], "handover_id": handover["handover_id"],
        "message_id": suggestion["message_id"], "outbox_id": sent["outbox_id"], "name": name,
        "account_id": str((await person(shop, pharmacy_id=pharmacy_id)).id),
    }  # fmt: skip


def unknown_things() -> dict[str, str]:
    """Return ids in the form of the real ones, of nothing."""
    plain = ("conversation_id", "patient_id", "product_id", "message_id", "name")
    known = {name: f"nothing-{name}" for name in plain}
    return known | {name: str(uuid4()) for name in ("suggestion_id", "handover_id", "outbox_id", "account_id")}


async def callers_of(shop: Shop, pharmacy_id: str) -> list[Caller]:
    """Return one caller of each kind."""
    found = [
        Caller("nobody", None),
        Caller("forged key", None, {"Authorization": "Bearer kk_forged"}),
        Caller("unsigned token", None, {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."}),
        Caller("forged session", None, {"Cookie": "kakari_session=forged"}),
    ]
    found += [await _session(shop, pharmacy_id, role) for role in PEOPLE]
    found.append(await _session(shop, pharmacy_id, Role.ENGINEER, (Right.READ_WORDS,)))
    others = (None, "http://evil.example")
    found += [await _session(shop, pharmacy_id, Role.LEAD, origin=origin) for origin in others]
    found += [await _shut(shop, pharmacy_id), await _owner(shop, pharmacy_id)]
    scopes = ((Role.MACHINE, ()), (Role.LEAD, ()), (None, (Right.READ_AUDIT,)), (None, ()))
    found += [await _key(shop, pharmacy_id, role, rights) for role, rights in scopes]
    return [*found, await _revoked(shop, pharmacy_id)]


async def walk_all(
    shop: Shop, calls: list[Call], callers: list[Caller], own: dict[str, str], foreign: dict[str, str]
) -> list[Cell]:
    """Have every caller make every call, side by side, the reading ones first.

    A PUT under an id that is another pharmacy's makes a thing of the caller's own, which the next one would read.
    """
    cells: list[Cell] = []
    for part in ([call for call in calls if call.method == "GET"], [call for call in calls if call.method != "GET"]):
        walks = await asyncio.gather(*(walk(shop, part, caller, own, foreign) for caller in callers))
        cells += [cell for walked in walks for cell in walked]
    return cells


async def walk(
    shop: Shop, calls: list[Call], caller: Caller, own: dict[str, str], foreign: dict[str, str]
) -> list[Cell]:
    """Make every call as that caller, on each kind of thing."""
    cells = []
    for call in sorted(calls, key=lambda call: call.path == "/v1/session"):  # which ends the caller's own
        kinds = _kinds(call, own, foreign)
        for kind, things in kinds if caller.rights is not None else kinds[:1]:
            answer = await _made(shop, call, caller, things)
            said = f"{answer.status_code} {answer.headers.get('content-type')} {answer.text}"
            for thing in sorted(things.values(), key=len, reverse=True):
                said = said.replace(thing, "…")
            cells.append(Cell(call, caller.label, kind, caller.verdict(call), answer.status_code, said))
    return cells


async def rows_of(shop: Shop, pharmacy_id: str) -> dict[str, list[str]]:
    """Return everything that is stored of a pharmacy."""
    kept = {}
    async with shop.program.database.begin(pharmacy_id) as tx:
        for table in metadata.sorted_tables:
            if "pharmacy_id" in table.c:
                found = await tx.execute(text(f"SELECT t::text FROM {table.name} t ORDER BY 1"))
                kept[table.name] = list(found.scalars())
    return kept


def _kinds(call: Call, own: dict[str, str], foreign: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    unknown = unknown_things()
    if not call.names:
        return [("own", {})]
    kinds = [("own", own), ("foreign", foreign), ("unknown", unknown)]
    if len(call.names) > 1:
        last = call.names[-1]
        kinds += [(f"own with {name}", own | {last: things[last]}) for name, things in kinds[1:]]
    return [(name, {key: things[key] for key in call.names}) for name, things in kinds]


async def _made(shop: Shop, call: Call, caller: Caller, things: dict[str, str]) -> httpx2.Response:
    origin = {"Origin": shop.url if caller.origin == "own" else caller.origin} if caller.origin else {}
    headers, path, body = {**caller.headers, **origin}, call.path.format(**things), await _body(shop, call)
    for _ in range(10):
        answer = await shop.stranger.request(
            call.method, path, headers=headers, json=body, params=QUERIES.get((call.method, call.path))
        )
        if answer.status_code != 503:  # another caller holds the same thing just now
            break
    return answer


async def _body(shop: Shop, call: Call) -> Any:
    policy = None
    if call.schema == "PolicyIn":
        policy = (await shop.http.get("/v1/policy")).json()["policy"]
    text_of = {"version": 1, "text": "承知しました。"}
    bodies: dict[str | None, Any] = {
        None: None, "MessageIn": {"conversation_id": new_id("matrix"), "text": "人手語です"}, "Respond": text_of,
        "Edit": text_of, "Approve": {"version": 1}, "Reject": {"version": 1}, "Regenerate": {"version": 1},
        "PresenceIn": {"state": "editing"}, "ProductIn": {"formula": "f"},
        "PolicyIn": {"version": 0, "reason": "test", "policy": policy},
        "SwitchIn": {"on": True}, "Confirm": {"code": "000000"}, "Reset": {"password": PASSWORD},
        "NewPassword": {"password": "wrong password", "new_password": PASSWORD}, "KeyIn": {"name": new_id("key")},
        "ProfileIn": {"profile": None},
        "NoteIn": {"text": "折り返し電話の約束"}, "CannedIn": {"version": 1, "text": "{name}様"},
        "AccountIn": {"name": new_id("made"), "role": "pharmacist"}, "AccountChange": {"rights": []},
    }  # fmt: skip
    return bodies.get(call.schema, {})


async def _session(
    shop: Shop, pharmacy_id: str, role: Role, rights: tuple[Right, ...] = (), origin: str | None = "own"
) -> Caller:
    who = await person(shop, role, rights, pharmacy_id)
    label = " and ".join(["session of " + role, *rights]) + ("" if origin == "own" else f" from {origin}")
    headers = await _cookie(shop, pharmacy_id, who)
    return Caller(label, MAY[role] | set(rights), headers, origin, who)


async def _shut(shop: Shop, pharmacy_id: str) -> Caller:
    who = await person(shop, Role.LEAD, (), pharmacy_id)
    async with shop.program.database.begin(pharmacy_id) as tx:
        await access_accounts.disable(tx, await access_accounts.one(tx, pharmacy_id, who.id), "test")
    return Caller("session of a shut account", None, await _cookie(shop, pharmacy_id, who), "own", who)


async def _owner(shop: Shop, pharmacy_id: str) -> Caller:
    async with shop.program.database.begin(pharmacy_id) as tx:
        token = await access.use_link(tx, await access.create_link(tx, pharmacy_id, "owner"))
    who = SignedIn(pharmacy_id, "owner")
    return Caller("session of a one-time link", EVERY_RIGHT, {"Cookie": f"kakari_session={token}"}, "own", who)


async def _key(shop: Shop, pharmacy_id: str, role: Role | None, rights: tuple[Right, ...]) -> Caller:
    async with shop.program.database.begin(pharmacy_id) as tx:
        key = await access.create_key(tx, pharmacy_id, new_id("key"), "test", role, rights)
    may = (MAY[role] if role else frozenset()) | set(rights)
    return Caller(f"key of {role or [*rights]}", may, {"Authorization": f"Bearer {key}"}, None)


async def _revoked(shop: Shop, pharmacy_id: str) -> Caller:
    name = new_id("key")
    async with shop.program.database.begin(pharmacy_id) as tx:
        key = await access.create_key(tx, pharmacy_id, name, "test")
        await access.revoke_key(tx, pharmacy_id, name, "test")
    return Caller("revoked key", None, {"Authorization": f"Bearer {key}"}, None)


async def _cookie(shop: Shop, pharmacy_id: str, who: Any) -> dict[str, str]:
    signed_in = who if isinstance(who, SignedIn) else SignedIn(pharmacy_id, who.name, who.id)
    async with shop.program.database.begin(pharmacy_id) as tx:
        token = await access_sessions.start_session(tx, signed_in, "password")
    return {"Cookie": f"kakari_session={token}"}


def _schema(call: Mapping[str, Any]) -> str | None:
    told = str(call.get("requestBody", {}))
    found = re.search(r"#/components/schemas/(\w+)", told)
    return found.group(1) if found else None
