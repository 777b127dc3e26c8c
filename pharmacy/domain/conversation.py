"""A conversation as the flow sees it: a bounded window of turns, oldest first."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Author(StrEnum):
    """Who wrote a message."""

    PATIENT = "patient"
    PHARMACIST = "pharmacist"
    MACHINE = "machine"
    """Sent by itself, without a pharmacist's hand."""


class Kind(StrEnum):
    """What sort of event a message came from."""

    TEXT = "text"
    MEDIA = "media"
    """Anything that is not text: picture, sticker, file, place."""

    POSTBACK = "postback"
    """A button that was pressed, with the data that stands behind it."""

    UNSENT = "unsent"
    EDITED = "edited"


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    author: Author
    text: str
    sent_at: datetime
    """Aware; when its author sent it, which is not when it arrived."""

    kind: Kind = Kind.TEXT
    version: int = 0
    """The conversation's version that this message made; 0 for a reply."""


@dataclass(frozen=True)
class Transcript:
    """The window a run works on: turns oldest first; the unanswered ones stand at the end."""

    turns: tuple[Turn, ...]
    unanswered: int = 1
    """How many patient messages, counted from the end, this run answers; at least 1."""

    @property
    def to_answer(self) -> tuple[Turn, ...]:
        """The patient's messages that this run answers, oldest first."""
        mine = [turn for turn in self.turns if turn.author is Author.PATIENT]
        return tuple(mine[-self.unanswered :])

    @property
    def latest_text(self) -> str:
        """The words to answer, one line per message."""
        return "\n".join(turn.text for turn in self.to_answer)

    @property
    def last_reply(self) -> Turn | None:
        """The newest turn that the pharmacy wrote, or None."""
        return next((turn for turn in reversed(self.turns) if turn.author is not Author.PATIENT), None)

    def rendered(self) -> str:
        """Return one JSON object per line: `{"from": "patient", "text": …}`, oldest first.

        `<` and `>` are escaped, so that no message can close the tag that encloses it in a prompt.
        """
        return "\n".join(_line(turn) for turn in self.turns)


def read_lines(rendered: str) -> list[tuple[Author, str]]:
    """Return who said what in a rendered transcript, oldest first; the inverse that local models read by."""
    # Not splitlines(): a message may hold U+2028 or another line end that JSON leaves as it is.
    turns: Iterable[dict[str, str]] = (json.loads(line) for line in rendered.split("\n") if line.strip())
    return [(Author(turn["from"]), turn["text"]) for turn in turns]


def _line(turn: Turn) -> str:
    text = turn.text if turn.kind is Kind.TEXT else f"({turn.kind})"
    line = json.dumps({"from": turn.author.value, "text": text}, ensure_ascii=False)
    return line.replace("<", "\\u003c").replace(">", "\\u003e")
