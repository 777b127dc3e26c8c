"""Rows that are older than the code of their problem get it from their words; words that nobody knows stay alone."""

from importlib import import_module

import psycopg
import pytest

from pharmacy.storage.address import libpq, read_address

READ_OUT = import_module("pharmacy.storage.migrations.versions.0022_unsent").READ_OUT


@pytest.mark.parametrize(
    ("problem", "code", "in_doubt"),
    [
        ("newer_message", "newer_message", False),
        ("newer_message; it may have arrived", "newer_message", True),
        ("its retry key is older than 23 hours", "key_too_old", False),
        ("the patient has left or blocked the account; it may have arrived", "patient_left", True),
        ("LINE answered 503", "receiver_failed", False),
        ("KAKARI_DELIVERY_URL answered 429", "asked_to_wait", False),
        ("ConnectError at LINE", "no_connection", False),
        ("ReadTimeout at LINE", "no_answer", False),
        ("LINE refuses the access token (401); an engineer has to renew it", "token_refused", False),
        ("not delivered: it was tried too often", "given_up", False),
        ("Something else entirely", None, False),
    ],
)
def test_an_old_row_gets_its_code(database_url: str, problem: str, code: str | None, in_doubt: bool) -> None:
    with psycopg.connect(libpq(read_address(database_url))) as connection:
        # A table of this connection's own, in front of the real one.
        connection.execute("CREATE TEMP TABLE outbox (problem text, problem_code text, in_doubt boolean)")
        connection.execute("INSERT INTO outbox VALUES (%s)", (problem,))

        connection.execute(READ_OUT)

        assert connection.execute("SELECT problem_code, in_doubt FROM outbox").fetchone() == (code, in_doubt)
