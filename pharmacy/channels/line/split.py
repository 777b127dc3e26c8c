"""Cut a text into LINE's pieces without cutting through what a reader sees as one character."""

import regex

LONGEST_PIECE = 5_000
"""UTF-16 units in one text message. Source: https://developers.line.biz/en/reference/messaging-api/#text-message"""

MOST_PIECES = 5
"""Messages in one push."""

_GRAPHEME = regex.compile(r"\X")
_BREAKS = ("\n", "。", "！", "？", "!", "?", "、", " ", "　")


class TooLong(ValueError):
    """The text does not fit one push."""


def pieces_of(text: str) -> tuple[str, ...]:
    """Return `text` as pieces of at most 5,000 UTF-16 units; put together they are `text` again.

    A piece ends after a line or a sentence where there is one in its second half.

    Raises:
        TooLong: more than five pieces would be needed, or one character is longer than a piece.
    """
    pieces: list[str] = []
    taken: list[str] = []
    room = LONGEST_PIECE
    for grapheme in _GRAPHEME.findall(text):
        needed = units(grapheme)
        if needed > LONGEST_PIECE:
            raise TooLong(f"text: one character of {needed} UTF-16 units, expected at most {LONGEST_PIECE}")
        while needed > room:
            head, taken = _cut(taken)
            pieces.append(head)
            room = LONGEST_PIECE - units("".join(taken))
        taken.append(grapheme)
        room -= needed
    pieces.append("".join(taken))
    if len(pieces) > MOST_PIECES:
        raise TooLong(f"text: {units(text)} UTF-16 units, expected at most {MOST_PIECES} pieces of {LONGEST_PIECE}")
    return tuple(pieces)


def units(text: str) -> int:
    """Return how many UTF-16 units `text` has: what LINE counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def _cut(graphemes: list[str]) -> tuple[str, list[str]]:
    """Return the piece to send and what is left of `graphemes` for the next one."""
    half = len(graphemes) // 2
    for sign in _BREAKS[:1], _BREAKS[1:6], _BREAKS[6:]:
        for at in range(len(graphemes) - 1, half, -1):
            if graphemes[at] in sign or (sign == _BREAKS[:1] and graphemes[at] == "\r\n"):
                return "".join(graphemes[: at + 1]), graphemes[at + 1 :]
    return "".join(graphemes), []
