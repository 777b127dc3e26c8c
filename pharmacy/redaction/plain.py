"""What a log line or an error answer may show: the program's own words are ASCII, whatever is not is somebody's."""

import re

from pharmacy.redaction.redact import WITHHELD, Redactor

HIDDEN = "〔…〕"

_LABEL = re.compile("(〔[^〔〕]{1,10}〕)")
_WORDS = re.compile("[^\x00-\x7f]+")
# The ways in which programs write other letters down: \u7530, \xe7\x94\xb0, %E7%94%B0.
_CODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_BYTES = re.compile(r"(?:\\x[89a-fA-F][0-9a-fA-F])+|(?:%[89A-Fa-f][0-9A-Fa-f])+")
_QUIET = frozenset("…–—‘’“”→·×≤≥\u00a0")


class Plain:
    """Shows a text to people who may not read a patient's words."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def text(self, words: str) -> str:
        """Return `words` without personal data and without letters that are not ours; on any error, nothing."""
        try:
            return self._plain(self._redactor.conversation().text(_unescaped(words)))
        except Exception:  # noqa: BLE001 (whatever went wrong, unread words may not be shown)
            return WITHHELD

    def _plain(self, redacted: str) -> str:
        parts = _LABEL.split(redacted)
        # Every second part is a label.
        return "".join(part if at % 2 else _WORDS.sub(_hidden, part) for at, part in enumerate(parts))


def _unescaped(words: str) -> str:
    """Return `words` with letters in place of their codes: around a number they say what it is."""
    if "\\" not in words and "%" not in words:
        return words
    plain = _CODE.sub(lambda found: chr(int(found[1], 16)), words)
    return _BYTES.sub(lambda found: bytes.fromhex(re.sub(r"\\x|%", "", found[0])).decode("utf-8", "replace"), plain)


def _hidden(found: re.Match[str]) -> str:
    return found.group() if set(found.group()) <= _QUIET else HIDDEN


PLAIN = Plain(Redactor())
"""For logs and error answers of this process."""
