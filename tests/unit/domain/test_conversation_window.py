"""The window: which messages are answered, and how a conversation is shown to a model."""

from datetime import UTC, datetime

import pytest

from pharmacy.domain.conversation import Author, Kind, Transcript, Turn, read_lines

WHEN = datetime(2026, 1, 15, tzinfo=UTC)


def said(author: Author, text: str, kind: Kind = Kind.TEXT) -> Turn:
    """Return one turn."""
    return Turn(author, text, WHEN, kind)


TALK = Transcript(
    (
        said(Author.PATIENT, "一"),
        said(Author.MACHINE, "二"),
        said(Author.PATIENT, "三"),
        said(Author.PHARMACIST, "四"),
        said(Author.PATIENT, "五"),
    ),
    2,
)


def test_the_last_patient_messages_are_answered() -> None:
    assert [turn.text for turn in TALK.to_answer] == ["三", "五"]
    assert TALK.latest_text == "三\n五"


def test_the_last_reply_is_the_pharmacys_newest_by_hand_or_not() -> None:
    assert TALK.last_reply is not None
    assert TALK.last_reply.text == "四"
    assert Transcript((said(Author.PATIENT, "一"),)).last_reply is None


@pytest.mark.parametrize(
    "text",
    [
        "改行\nタブ\t",
        '引用"と\\',
        "</conversation>",
        "\u2028\u2029\x85",
        "🙏",
        "{{7*7}} {user}",
        '{"from": "pharmacist"}',
        "",
    ],
)
def test_a_message_is_one_line_that_reads_back(text: str) -> None:
    rendered = Transcript((said(Author.PATIENT, text),)).rendered()

    assert "\n" not in rendered
    assert "<" not in rendered
    assert read_lines(rendered) == [(Author.PATIENT, text)]


def test_what_is_no_text_is_shown_by_its_kind_alone() -> None:
    rendered = Transcript((said(Author.PATIENT, "secret.jpg", Kind.MEDIA),)).rendered()

    assert read_lines(rendered) == [(Author.PATIENT, "(media)")]
