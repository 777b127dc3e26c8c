"""What was said so far, as the local models read it from a prompt's `conversation` blank."""

from dataclasses import dataclass
from typing import Self

from pharmacy.domain.conversation import Author, read_lines


@dataclass(frozen=True)
class Exchange:
    """A conversation, parted into what is to be answered and what came before."""

    to_answer: tuple[str, ...]
    """The patient's messages after the pharmacy's last one, oldest first."""

    before: tuple[tuple[Author, str], ...]
    """Everything earlier, oldest first."""

    @classmethod
    def read(cls, conversation: str) -> Self:
        """Return the exchange; when the pharmacy spoke last, the words before its message are the ones to answer."""
        lines = read_lines(conversation)
        while lines and lines[-1][0] is not Author.PATIENT:
            lines.pop()
        first = max((at for at, (author, _) in enumerate(lines, start=1) if author is not Author.PATIENT), default=0)
        return cls(tuple(text for _, text in lines[first:]), tuple(lines[:first]))

    @property
    def text(self) -> str:
        """The words to answer, one line per message."""
        return "\n".join(self.to_answer)

    @property
    def last_reply(self) -> str:
        """The pharmacy's last message, or an empty text."""
        return next((text for author, text in reversed(self.before) if author is not Author.PATIENT), "")

    @property
    def replies(self) -> tuple[str, ...]:
        """The pharmacy's messages."""
        return tuple(text for author, text in self.before if author is not Author.PATIENT)

    @property
    def told(self) -> tuple[str, ...]:
        """The patient's earlier messages, newest first."""
        return tuple(text for author, text in reversed(self.before) if author is Author.PATIENT)

    @property
    def turns(self) -> tuple[str, ...]:
        """Every earlier message, newest first."""
        return tuple(text for _, text in reversed(self.before))
