"""Several pharmacies behind one webhook: the secret that signed a body says whose it is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pharmacy.domain.rights import EVERY_RIGHT
from pharmacy.settings import Settings
from pharmacy.storage import access
from tests.api.line_shop import LineShop, line_running
from tests.api.shop import new_id
from tests.fakes.line_server import LineFake
from tests.fakes.line_server.events import BOT, body_of, new_user, said

OTHER = "the-other-secret"
FILE = """
[sakura]
line_secret_variable = "SAKURA_LINE_SECRET"
line_token_variable = "SAKURA_LINE_TOKEN"
"""


@pytest.fixture
async def two(
    own_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[LineShop, LineFake]]:
    """Give a process that serves two pharmacies, each with an account of its own."""
    (tmp_path / "pharmacies.toml").write_text(FILE)
    with LineFake() as line:
        monkeypatch.setenv("SAKURA_LINE_SECRET", OTHER)
        monkeypatch.setenv("SAKURA_LINE_TOKEN", line.world.token)
        given = {"pharmacies_file": tmp_path / "pharmacies.toml", "line_bot_user_id": BOT}
        async with line_running(own_settings, line, **given) as open_shop:
            yield open_shop, line


async def test_each_pharmacy_keeps_its_own_patients_and_answers_them(two: tuple[LineShop, LineFake]) -> None:
    shop, _ = two
    user = new_user()

    await shop.deliver(said(user, "体調の相談です"), secret=OTHER)
    await shop.deliver(said(user, "こちらにもです"))

    program = shop.shop.program
    async with program.database.begin("sakura") as tx:
        key = await access.create_key(tx, "sakura", new_id("key"), "test", None, EVERY_RIGHT)
    theirs = await shop.shop.stranger.get("/v1/conversations", headers={"Authorization": f"Bearer {key}"})
    ours = await shop.shop.http.get("/v1/conversations")
    assert len(theirs.json()["items"]) == len(ours.json()["items"]) == 1
    assert theirs.json()["items"][0]["id"] != ours.json()["items"][0]["id"]


async def test_an_event_for_another_bot_is_refused(two: tuple[LineShop, LineFake]) -> None:
    shop, _ = two
    user = new_user()

    wrong = await shop.post(body_of(said(user, "相談です"), destination="U" + "c" * 32))
    right = await shop.post(body_of(said(user, "相談です"), destination=BOT))

    assert (wrong.status_code, right.status_code) == (400, 200)
