"""Which LINE accounts a process has: its own, and those a file names; half an account stops the start."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pharmacy.channels.line.accounts import line_accounts
from pharmacy.domain.errors import ConfigError
from pharmacy.settings import read_settings

FILE = """
[sakura]
line_secret_variable = "SAKURA_SECRET"
line_token_variable = "SAKURA_TOKEN"
line_bot_user_id = "Ub1b2b3b4b5b6b7b8b9b0b1b2b3b4b5b6"

[momiji]
line_secret_variable = "MOMIJI_SECRET"
line_token_variable = "MOMIJI_TOKEN"
"""
ENVIRON = {"SAKURA_SECRET": "s-1", "SAKURA_TOKEN": "t-1", "MOMIJI_SECRET": "s-2", "MOMIJI_TOKEN": "t-2"}
OWN = {"LINE_CHANNEL_SECRET": "own", "LINE_CHANNEL_ACCESS_TOKEN": "own-token"}


def _accounts(folder: Path, text: str | None, environ: Mapping[str, str]):
    given = dict(environ)
    if text is not None:
        (folder / "pharmacies.toml").write_text(text, encoding="utf-8")
        given["KAKARI_PHARMACIES_FILE"] = str(folder / "pharmacies.toml")
    return line_accounts(read_settings(None, given), given)


def test_without_a_secret_there_is_no_account(tmp_path: Path) -> None:
    assert _accounts(tmp_path, None, {}) == ()


def test_own_account_and_those_of_the_file_stand_side_by_side(tmp_path: Path) -> None:
    found = _accounts(tmp_path, FILE, ENVIRON | OWN)

    assert [(each.pharmacy_id, each.secret, each.access_token) for each in found] == [
        ("default", b"own", "own-token"), ("sakura", b"s-1", "t-1"), ("momiji", b"s-2", "t-2"),
    ]  # fmt: skip
    assert found[1].bot_user_id == "Ub1b2b3b4b5b6b7b8b9b0b1b2b3b4b5b6"


@pytest.mark.parametrize("blank", ["", " ", "\t\n"], ids=repr)
@pytest.mark.parametrize("name", ["LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN"])
def test_a_blank_secret_is_no_start(blank: str, name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: is blank"):
        read_settings(None, OWN | {name: blank})


@pytest.mark.parametrize("name", [*OWN])
def test_half_an_account_is_no_start(name: str) -> None:
    with pytest.raises(ConfigError, match="is set without"):
        read_settings(None, {name: "x"})


@pytest.mark.parametrize("destination", ["U123", "me", "u" + "a" * 32])
def test_a_bot_user_id_that_is_none_is_no_start(destination: str) -> None:
    with pytest.raises(ConfigError, match="LINE_BOT_USER_ID"):
        read_settings(None, OWN | {"LINE_BOT_USER_ID": destination})


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        pytest.param(FILE, ENVIRON | {"SAKURA_SECRET": " "}, "toml:3: .*SAKURA_SECRET is blank", id="blank-secret"),
        pytest.param(FILE, {**ENVIRON, "MOMIJI_TOKEN": ""}, "toml:9: .*MOMIJI_TOKEN is blank", id="blank-token"),
        pytest.param(FILE, {"SAKURA_SECRET": "x"}, "SAKURA_TOKEN is not set", id="unset"),
        pytest.param(FILE, ENVIRON | {"MOMIJI_SECRET": "s-1"}, "have the same channel secret", id="secret-twice"),
        pytest.param(FILE + 'colour = "red"', ENVIRON, "colour", id="unknown-key"),
        pytest.param('["Sakura Shop"]\n', {}, "Sakura Shop", id="name-of-a-table"),
        pytest.param("[sakura]\n", {}, "line_secret_variable", id="nothing-named"),
        pytest.param('sakura = "x"\n', {}, "sakura", id="no-table"),
        pytest.param("[sakura\n", {}, "expected a TOML file", id="no-toml"),
        pytest.param('[default]\nline_secret_variable = "SAKURA_SECRET"\nline_token_variable = "SAKURA_TOKEN"\n',
                     ENVIRON | OWN, "'default' has two accounts", id="own-pharmacy-again"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_no_start(tmp_path: Path, text: str, environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _accounts(tmp_path, text, environ)


def test_a_secret_in_place_of_a_name_is_not_repeated(tmp_path: Path) -> None:
    text = '[sakura]\nline_secret_variable = "f00dcafe-the-secret"\nline_token_variable = "T"\n'

    with pytest.raises(ConfigError) as told:
        _accounts(tmp_path, text, {})

    assert "f00dcafe" not in str(told.value)
    assert "toml:2" in str(told.value)


def test_an_account_does_not_show_its_secrets(tmp_path: Path) -> None:
    assert "own" not in repr(_accounts(tmp_path, None, OWN))
