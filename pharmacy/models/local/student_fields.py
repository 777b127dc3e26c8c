"""What a student reads of a conversation, as named fields of text."""

import re
from collections.abc import Mapping

from pharmacy.domain.conversation import Author, read_lines
from pharmacy.models.local.word_kinds import with_kinds

Fields = Mapping[str, str]
"""Field name to its text. The same n-gram in two fields is two features; how a field weighs goes by its first word."""


def classify_fields(text: str) -> Fields:
    """Return what the category is read from: the words to be answered."""
    return {"text": text, "kinds": with_kinds(text)}


def phase_fields(phase: str, last_reply: str, text: str) -> Fields:
    """Return what the phase is read from.

    The words stand twice: as they are, and as words said in this phase; 「お願いします」 means one thing in every phase
    and something more in each.
    """
    kinds = with_kinds(text)
    said = {"text": text, "kinds": kinds, f"text in {phase}": text, f"kinds in {phase}": kinds}
    return {**said, f"reply in {phase}": last_reply}


def matters(text: str) -> list[str]:
    """Return the parts of `text` that could each be a matter of their own: sentences, and what follows an 「あと」."""
    return [part for part in _BREAK.split(text) if len(part) >= _SHORTEST_MATTER]


def latest_exchange(conversation: str) -> tuple[str, str]:
    """Return the pharmacy's last message and the patient's words after it, read from a rendered transcript.

    The first is "" when the pharmacy has not written yet. When it spoke last, the words before its message count.
    """
    lines = read_lines(conversation)
    while lines and lines[-1][0] is not Author.PATIENT:
        lines.pop()
    last_other = max((at for at, (author, _) in enumerate(lines) if author is not Author.PATIENT), default=-1)
    reply = lines[last_other][1] if last_other >= 0 else ""
    return reply, "\n".join(text for _, text in lines[last_other + 1 :])


_SHORTEST_MATTER = 6
_BREAK = re.compile(
    r"[。!?!?\n]+|のと、|、?(?:あと|それと|それから|ついでに|ところで|話は変わりますが|別件ですが|もう一つ)、?"
)
