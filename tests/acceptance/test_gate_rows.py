"""The labelled rows, sent as patients would send them, through HTTP, storage, worker and flow."""

from pathlib import Path

import pytest

from tests.acceptance.gate_rows import send_all, table
from tests.faults.processes import Kakari


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_no_labelled_emergency_is_missed_and_everyday_messages_are_not_held(
    database_url: str, tmp_path: Path, every: int
) -> None:
    variables = {"DATABASE_URL": database_url, "KAKARI_SETTLE_SECONDS": "0", "KAKARI_MODELS": "local"}
    with Kakari(tmp_path / "home", variables) as server:
        server.ready()
        with server.client() as client:
            sent = send_all(client, "test", every)

    shown = table(sent)
    emergencies = [one for one in sent if one.expected == "E"]
    held = [one for one in sent if one.expected not in ("E", "-")]
    harmless = [one for one in sent if one.expected == "-"]
    assert [one.row["text"] for one in emergencies if one.got != "E"] == [], shown
    assert sum(one.got in "EUH" for one in held) >= 0.95 * len(held), shown
    assert sum(one.got in "EUH" for one in harmless) <= 0.10 * len(harmless), shown
    assert not [one for one in sent if one.expected != "-" and one.got == "suggestion"], shown
    assert all(not one.outcome["models"] for one in emergencies), shown
