"""What the tests of asking nodes share: a prompt that shows its blanks, and a short conversation."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pharmacy.domain.conversation import Author, Transcript, Turn
from pharmacy.domain.model import Prompt

WHEN = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
QUESTION = "荷物はいつ届きますか"
LAST_REPLY = "ご注文ありがとうございます。発送の準備をしています。"
TALK = Transcript((Turn(Author.PHARMACIST, LAST_REPLY, WHEN), Turn(Author.PATIENT, QUESTION, WHEN)))


def compose(blanks: Mapping[str, str]) -> Prompt:
    """Return a prompt that keeps its blanks."""
    return Prompt("node/system", "static", "changing", blanks, "0" * 12)
