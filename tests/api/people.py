"""People of a running pharmacy: accounts made in its store, browsers signed in with them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2

from pharmacy.domain.rights import Right, Role
from pharmacy.storage import access_accounts, access_passwords, access_sessions
from pharmacy.storage.access_accounts import NewAccount
from pharmacy.storage.access_sessions import SignedIn
from tests.api.shop import Shop, new_id

PASSWORD = "correct horse battery"
_KEPT: list[str] = []


@dataclass(frozen=True)
class Person:
    """An account."""

    id: UUID
    name: str

    def says(self, **more: Any) -> dict[str, Any]:
        """Return what they send to sign in."""
        return {"name": self.name, "password": PASSWORD, **more}


async def person(
    shop: Shop, role: Role = Role.PHARMACIST, rights: tuple[Right, ...] = (), pharmacy_id: str | None = None
) -> Person:
    """Return a new account with the password of all of them."""
    if not _KEPT:
        _KEPT.append(await access_passwords.hash_password(PASSWORD))
    pharmacy_id = pharmacy_id or shop.program.settings.pharmacy_id
    name = new_id("person")
    async with shop.program.database.begin(pharmacy_id) as tx:
        made = await access_accounts.add(tx, pharmacy_id, "test", NewAccount(name, role, rights, _KEPT[0]))
    return Person(made, name)


@asynccontextmanager
async def browser(shop: Shop, who: Person, pharmacy_id: str | None = None) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a browser in which that person has signed in, with its own origin."""
    pharmacy_id = pharmacy_id or shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        token = await access_sessions.start_session(tx, SignedIn(pharmacy_id, who.name, who.id), "password")
    async with httpx2.AsyncClient(base_url=shop.url, headers={"Origin": shop.url}, timeout=70) as client:
        client.cookies.set("kakari_session", token, domain="127.0.0.1")
        yield client
