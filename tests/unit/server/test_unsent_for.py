"""Why a text has not gone out is told by its code, in the reader's words; no page reads English."""

from typing import Any

import pytest

from pharmacy.domain.held_for import HeldFor
from pharmacy.domain.unsent_for import UnsentFor
from server.console.languages import NAMES, language
from server.console.templates import HERE, unsent_for


def _text(code: str | None, *, doubt: bool = False) -> dict[str, Any]:
    return {"problem": "ConnectError at LINE", "problem_code": code, "may_have_arrived": doubt}


@pytest.mark.parametrize("name", NAMES)
def test_every_problem_is_a_sentence(name: str) -> None:
    told = {code: unsent_for(language(name), _text(code)) for code in [*UnsentFor, *HeldFor]}

    assert {code: said for code, said in told.items() if not said.endswith(("。", "."))} == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(_text("newer_message", doubt=True),
                     "送る前に新しいメッセージが届きました。届いている可能性があります。", id="in-doubt"),
        pytest.param(_text("no_connection"), "送信先につながりません。自動でやり直します。", id="certain"),
        pytest.param(_text(None), "ConnectError at LINE", id="a-record-older-than-its-code"),
    ],
)  # fmt: skip
def test_a_problem_is_told(text: dict[str, Any], told: str) -> None:
    assert unsent_for(language("ja"), text) == told


def test_no_template_reads_words_apart() -> None:
    assert [each.name for each in (HERE / "templates").glob("*.html") if "problem.partition" in each.read_text()] == []
