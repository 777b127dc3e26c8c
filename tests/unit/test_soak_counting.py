"""What a long run counts: each thing that must never happen is found when it has."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.fakes.line_server import LineFake
from tests.fakes.receiver import Receiver
from tests.soak.arrivals import arrivals, recall, remember
from tests.soak.counting import Rows, counted

Owner = psycopg.Connection[tuple[Any, ...]]
KEY, OTHER_KEY = str(UUID(int=1)), str(UUID(int=2))
PATIENT, STRANGER = "U" + "1" * 32, "U" + "2" * 32
TRAIL: dict[str, Any] = {"holds": True, "rows": 3, "sends": 1, "unexplained": [], "broken": None}
# One conversation at version 2; its text was written for version 1, and rests on nothing newer.
STORE = f"""
INSERT INTO patients (pharmacy_id, id, profile) VALUES ('default', 'c', '{{}}');
INSERT INTO conversations (pharmacy_id, id, patient_id, channel, version, phase)
    VALUES ('default', 'c', 'c', 'line', 2, 'intake');
INSERT INTO line_contacts (pharmacy_id, user_id, conversation_id) VALUES ('default', '{PATIENT}', 'c');
INSERT INTO inbox (pharmacy_id, event_id, channel, raw, raw_hash, message_id)
    VALUES ('default', 'e1', 'line', '', '', 'e1'), ('default', 'e2', 'line', '', '', 'e2');
INSERT INTO messages (pharmacy_id, id, conversation_id, version, author, text, sent_at, received_at, outcome_id)
    VALUES ('default', 'e1', 'c', 1, 'patient', '', now(), to_timestamp(100), gen_random_uuid()),
           ('default', 'e2', 'c', 2, 'patient', '', now(), to_timestamp(200), gen_random_uuid());
INSERT INTO outbox (pharmacy_id, id, conversation_id, retry_key, version, text, text_hash, recipient, author, sent_by,
                    state, attempts)
    VALUES ('default', '{KEY}', 'c', '{KEY}', 1, '', '', 'c', 'pharmacist', '', 'sent', 1);
SELECT kakari_append_audit('default', 'a', action, subject, body::jsonb, ARRAY['', '', '']) FROM (VALUES
    ('message_taken', 'e1', '{{"conversation": "c"}}'),
    ('suggestion_approved', 's', '{{"outbox_id": "{KEY}"}}'),
    ('message_taken', 'e2', '{{"conversation": "c"}}')) AS said (action, subject, body);
"""


def _sound(owner: Owner, line: LineFake) -> None:
    line.world.deliver(PATIENT, ["text"], "push", KEY, "r1")
    line.world.first_tried[KEY] = 150.0


def _lost(owner: Owner, line: LineFake) -> None:
    _sound(owner, line)
    owner.execute("DELETE FROM inbox WHERE event_id = 'e2'")


def _never_arrived(owner: Owner, line: LineFake) -> None:
    """LINE has seen nothing."""


def _accepted_twice(owner: Owner, line: LineFake) -> None:
    _sound(owner, line)
    line.world.deliver(PATIENT, ["text"], "push", KEY, "r2")


def _under_no_key_of_ours(owner: Owner, line: LineFake) -> None:
    _sound(owner, line)
    line.world.deliver(PATIENT, ["text"], "push", OTHER_KEY, "r2")


def _to_a_stranger(owner: Owner, line: LineFake) -> None:
    line.world.deliver(STRANGER, ["text"], "push", KEY, "r1")
    line.world.first_tried[KEY] = 150.0


def _sent_too_late(owner: Owner, line: LineFake) -> None:
    _sound(owner, line)
    line.world.first_tried[KEY] = 250.0


def _queued_too_late(owner: Owner, line: LineFake) -> None:
    _sound(owner, line)
    owner.execute("UPDATE messages SET version = 3 WHERE id = 'e1'")


@pytest.mark.parametrize(
    ("happened", "found"),
    [
        pytest.param(_sound, set(), id="nothing"),
        pytest.param(_lost, {"acknowledged events lost"}, id="lost"),
        pytest.param(_never_arrived, {"texts called sent that never arrived"}, id="never-arrived"),
        pytest.param(_accepted_twice, {"texts sent twice"}, id="twice"),
        pytest.param(
            _under_no_key_of_ours,
            {"texts without an outbox row, or to another patient", "sends explained"},
            id="unknown",
        ),
        pytest.param(_to_a_stranger, {"texts without an outbox row, or to another patient"}, id="to-a-stranger"),
        pytest.param(_sent_too_late, {"stale texts sent"}, id="sent-too-late"),
        pytest.param(
            _queued_too_late, {"texts queued after a newer message", "stale texts sent"}, id="queued-too-late"
        ),
    ],
)
def test_what_must_never_happen_is_found_when_it_has(
    owner: Owner, happened: Callable[[Owner, LineFake], None], found: set[str]
) -> None:
    owner.execute(STORE)
    with LineFake() as line, Receiver("s" * 32) as receiver:
        happened(owner, line)

        figures = [*counted(_rows(owner), ["e1", "e2"], arrivals(receiver, line), TRAIL, "x")]

    assert {figure.what.removesuffix(", x") for figure in figures if not figure.holds} == found


@pytest.mark.parametrize(
    "trail",
    [
        pytest.param(
            {"holds": False, "unexplained": [{"outbox_id": KEY, "missing": ["the person"]}]}, id="unexplained"
        ),
        pytest.param({"holds": False, "broken": {"row": 2, "says": "its content"}}, id="changed"),
        pytest.param({"sends": 0}, id="without-the-send"),
    ],
)
def test_a_trail_that_does_not_hold_or_explain_is_found(owner: Owner, trail: dict[str, Any]) -> None:
    owner.execute(STORE)
    with LineFake() as line, Receiver("s" * 32) as receiver:
        _sound(owner, line)

        figures = [*counted(_rows(owner), ["e1", "e2"], arrivals(receiver, line), TRAIL | trail, "x")]

    assert [figure.promise for figure in figures if not figure.holds] == ["P12"]


def _rows(owner: Owner) -> Rows:
    return lambda query: owner.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]


def test_an_interrupted_run_still_knows_what_was_accepted() -> None:
    kept: dict[str, Any] = {}
    with Receiver("s" * 32) as receiver, LineFake() as before, LineFake() as after:
        before.world.deliver(PATIENT, ["text"], "push", KEY, "r1")
        before.world.first_tried[KEY] = 150.0
        remember(kept, receiver, before)

        recall(kept, receiver, after)

    assert arrivals(receiver, after).accepted == {KEY: 1}
    assert after.world.accepted_under(KEY) is not None
