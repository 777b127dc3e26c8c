"""What a log line or an error answer may show: the program's own words are ASCII, whatever is not is somebody's."""

import re

from pharmacy.redaction.redact import WITHHELD, Redactor

HIDDEN = "〔…〕"

_LABEL = re.compile("(〔[^〔〕]{1,10}〕)")
# Letters of other scripts, and the ways in which programs write them down: \u7530, \xe7\x94\xb0, %E7%94%B0.
_WORDS = re.compile(
    "[^\x00-\x7f]+|(?:\\\\u[0-9a-fA-F]{4})+|(?:\\\\U[0-9a-fA-F]{8})+|(?:\\\\x[0-9a-fA-F]{2}){2,}|(?:%[0-9A-Fa-f]{2}){3,}"
)
_QUIET = frozenset("…–—‘’“”→·×≤≥\u00a0")


class Plain:
    """Shows a text to people who may not read a patient's words."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def text(self, words: str) -> str:
        """Return `words` without personal data and without letters that are not ours; on any error, nothing."""
        try:
            return self._plain(self._redactor.conversation().text(words))
        except Exception:  # noqa: BLE001 (whatever went wrong, unread words may not be shown)
            return WITHHELD

    def _plain(self, redacted: str) -> str:
        parts = _LABEL.split(redacted)
        # Every second part is a label.
        return "".join(part if at % 2 else _WORDS.sub(_hidden, part) for at, part in enumerate(parts))


def _hidden(found: re.Match[str]) -> str:
    return found.group() if set(found.group()) <= _QUIET else HIDDEN


PLAIN = Plain(Redactor())
"""For logs and error answers of this process."""
