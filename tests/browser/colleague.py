"""A second person at the desk, with an account and a name of their own."""

from dataclasses import dataclass

from playwright.async_api import Page

from pharmacy.storage import access_sessions
from pharmacy.storage.access_sessions import SignedIn
from tests.api.people import person
from tests.browser.desk import Desk


@dataclass(frozen=True)
class Colleague:
    """Somebody's page, and what others call them."""

    page: Page
    name: str


async def colleague(desk: Desk, path: str = "/") -> Colleague:
    """Return a browser of its own in which a new pharmacist has signed in, at `path`."""
    who, pharmacy_id = await person(desk.shop), desk.shop.program.settings.pharmacy_id
    async with desk.shop.program.database.begin(pharmacy_id) as tx:
        token = await access_sessions.start_session(tx, SignedIn(pharmacy_id, who.name, who.id), "password")
    page = await desk.visit("/sign-in", signed_in=False)
    await page.context.add_cookies([{"name": "kakari_session", "value": token, "url": desk.shop.url}])
    await page.goto(path)
    return Colleague(page, who.name)
