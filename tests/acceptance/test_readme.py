"""Every command of the README does what it says."""

import re
import shlex
from pathlib import Path

import pytest

from tests.faults.processes import CHECKOUT, Kakari, until

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\.venv/bin/kakari (.+)$", README, flags=re.MULTILINE)
GO_ON = ("worker", "serve")
TARGETS = re.findall(r"^make ([a-z-]+)", README, flags=re.MULTILINE)


def test_the_readme_shows_commands() -> None:
    assert len(COMMANDS) >= 6
    assert {"serve", "test"} <= set(TARGETS)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in GO_ON])
def test_a_command_of_the_readme_ends_well(command: str, database_url: str, tmp_path: Path) -> None:
    kakari = Kakari(tmp_path / "home", {"DATABASE_URL": database_url, "KAKARI_MODELS": "local"})

    printed = kakari.run(*shlex.split(command))

    assert printed.strip()


@pytest.mark.parametrize("command", [command for command in COMMANDS if command in GO_ON])
def test_a_command_of_the_readme_starts_and_stops(command: str, database_url: str, tmp_path: Path) -> None:
    variables = {"DATABASE_URL": database_url, "KAKARI_MODELS": "local"}
    with Kakari(tmp_path / "home", variables, tuple(shlex.split(command))) as kakari:
        log = next(tmp_path.glob("*.log"))

        until("a greeting", lambda: b"akari" in log.read_bytes(), 60)

        kakari.stop()
    assert kakari.process is not None
    assert kakari.process.returncode in (0, -15)


@pytest.mark.parametrize("target", sorted(set(TARGETS)))
def test_a_target_of_the_readme_stands_in_the_makefile(target: str) -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{target}:.*##", makefile, flags=re.MULTILINE)


def test_the_call_of_the_readme_is_answered_with_the_outcome(database_url: str, tmp_path: Path) -> None:
    body = re.search(r"-d '(\{.+?\})'", README, flags=re.DOTALL)
    assert body is not None
    with Kakari(tmp_path / "home", {"DATABASE_URL": database_url, "KAKARI_MODELS": "local"}) as server:
        server.ready()
        with server.client() as client:
            answer = client.post(
                "/v1/messages",
                params={"wait": 20},
                content=body[1].encode(),
                headers={"Content-Type": "application/json"},
            )

    assert answer.status_code == 200
    assert answer.json()["outcome"] == "suggestion"
