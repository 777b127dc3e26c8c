"""Stored JSON that somebody has tampered with: refused or shown as it is, with a person, and never run."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.api.shop import Shop

DEEP: object = 1
for _ in range(400):
    DEEP = {"a": DEEP}


def hostile(marker: Path) -> list[object]:
    """Return payloads that would run a command if anything loaded them as objects."""
    kwargs = {"command": f"touch {marker}"}
    return [
        {"lc": 1, "type": "constructor", "id": ["langchain", "tools", "shell", "ShellTool"], "kwargs": kwargs},
        {"__reduce__": ["os.system", f"touch {marker}"], "py/object": "os.system"},
        DEEP,
        ["not", "an", "object"],
        "{{ 7 * 7 }}",
    ]


@pytest.mark.parametrize(
    ("table", "column", "of"),
    [
        ("patients", "profile", "id"),
        ("messages", "hits", "conversation_id"),
        ("suggestions", "body", "conversation_id"),
        ("model_calls", "blanks", "conversation_id"),
    ],
)
async def test_a_tampered_row_runs_nothing_and_its_patient_still_reaches_a_person(
    table: str, column: str, of: str, pharmacy: Shop, owner: psycopg.Connection[Any], tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    for number, payload in enumerate(hostile(marker)):
        conversation = f"c{number}"
        taken = await pharmacy.say(conversation, "葛根湯は食前ですか")
        tampered = f"UPDATE {table} SET {column} = %s::jsonb WHERE {of} = %s"
        assert owner.execute(tampered, [json.dumps(payload), conversation]).rowcount

        read = [f"/v1/conversations/{conversation}", f"/v1/suggestions/{taken['suggestion_id']}", "/v1/suggestions"]
        statuses = [(await pharmacy.http.get(path)).status_code for path in read]
        outcome = await pharmacy.say(conversation, "もう一つ、葛根湯は水で飲みますか", wait=30)

        assert statuses == [200, 200, 200], payload
        assert outcome["outcome"] in ("handover", "suggestion")
    assert not marker.exists()
