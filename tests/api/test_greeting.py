"""What `kakari serve` says as it starts: the link that lets its reader in is for a person's own screen only."""

import os
import pty
import socket
from contextlib import redirect_stdout

import pytest

from server.serving import greet
from tests.api.shop import Shop


async def _greeted(shop: Shop, *, demo: bool, host: str = "127.0.0.1", as_json: bool = False) -> None:
    settings = shop.program.settings.model_copy(update={"log_json": as_json})
    with socket.create_server((host, 0)) as listening:
        await greet(shop.program, listening, settings, demo=demo)


@pytest.mark.parametrize("as_json", [False, True])
async def test_a_journal_is_told_no_link(shop: Shop, capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    await _greeted(shop, demo=False, as_json=as_json)

    said = capsys.readouterr().out
    assert "token=" not in said
    assert "kakari sign-in" in said


async def test_the_demo_tells_its_link_wherever_it_is_read(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    await _greeted(shop, demo=True)

    said = capsys.readouterr().out
    link = next(word for word in said.split() if "token=" in word)
    assert (await shop.stranger.get(link.replace(link.partition("/sign-in")[0], shop.url))).status_code == 303


async def test_who_sits_at_the_terminal_is_told_the_link(shop: Shop) -> None:
    reading, writing = pty.openpty()
    with os.fdopen(reading, "rb", buffering=0) as screen, os.fdopen(writing, "w") as terminal:
        with redirect_stdout(terminal):
            await _greeted(shop, demo=False)

        assert b"/sign-in?token=" in screen.read(4_000)


async def test_who_can_be_reached_from_elsewhere_prints_no_link_even_for_the_demo(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    await _greeted(shop, demo=True, host="0.0.0.0")

    assert "token=" not in capsys.readouterr().out
