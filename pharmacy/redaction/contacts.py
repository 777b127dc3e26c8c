"""Mail addresses, LINE ids and phone numbers."""

import re

from pharmacy.redaction.reading import DIGIT, Reading, digits
from pharmacy.redaction.span import Kind, Span, spans_of

_MAIL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}\s?(?:@|\(at\)|\[at\]|アットマーク)\s?[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}"
)

_LINE_CUE = re.compile(r"(?<![A-Za-z])(?:LINE|[Ll]ine ?[Ii][Dd])(?![A-Za-z])|(?<![ァ-ヶー])ライン(?![ァ-ヶ])")
_LINE_OWN = re.compile(r"(?<![A-Za-z0-9])[UCR][0-9a-f]{30,40}(?![A-Za-z0-9])")
_TOKEN = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9._-]{2,31}")
_PLAIN_WORD = re.compile(r"(?i)line|id|@?(?:line)?id|https?|www|account|official")
_AFTER, _BEFORE = 30, 40

_ONE = f"(?:{DIGIT}|ゼロ)"
_GAP = r"[-. ()/・の]{0,2}"
_START = r"(?:\+ ?8 ?1[-. ]{0,2}(?:\(0\))?|\(?(?:0|〇|零|ゼロ))"
_PHONE = re.compile(rf"(?<![0-9A-Za-z.-]){_START}(?:{_GAP}{_ONE}){{8,10}}(?![0-9A-Za-z])")
_PHONE_CUE = re.compile(
    rf"(?:電話番号|電話|携帯|でんわ|ケータイ|TEL|Tel|tel|phone|連絡先|0[789]0)[^0-9〇零一二三四五六七八九\n。]{{0,12}}"
    rf"(?P<found>\(?{_ONE}(?:{_GAP}{_ONE}){{5,10}})(?![0-9A-Za-z])"
)


def mails(reading: Reading) -> list[Span]:
    """Return mail addresses, in any width."""
    return spans_of(Kind.MAIL, reading, [found.span() for found in _MAIL.finditer(reading.text)])


def line_ids(reading: Reading) -> list[Span]:
    """Return LINE's own user ids, and ids that a patient gives for LINE."""
    found = [hit.span() for hit in _LINE_OWN.finditer(reading.text)]
    for cue in _LINE_CUE.finditer(reading.text):
        after = _token(reading.text, cue.end(), cue.end() + _AFTER, first=True)
        found += [after or _token(reading.text, max(0, cue.start() - _BEFORE), cue.start(), first=False) or (0, 0)]
    return spans_of(Kind.LINE_ID, reading, found)


def phones(reading: Reading) -> list[Span]:
    """Return phone numbers in every form: half and full width, kanji figures, spaces, brackets, +81."""
    found = [hit.span() for hit in _PHONE.finditer(reading.text) if _is_phone(digits(hit.group()))]
    found += [hit.span("found") for hit in _PHONE_CUE.finditer(reading.text)]
    return spans_of(Kind.PHONE, reading, found)


def _token(text: str, start: int, end: int, *, first: bool) -> tuple[int, int] | None:
    """Return the first or last word in the stretch that can be an id; before a cue it must look like nothing else."""
    window = [hit for hit in _TOKEN.finditer(text, start, min(len(text), end + 32)) if hit.start() < end]
    ids = [
        hit
        for hit in window
        if not _PLAIN_WORD.fullmatch(hit.group()) and (first or re.search(r"[0-9._@-]", hit.group()))
    ]
    if not ids:
        return None
    return ids[0].span() if first else (ids[-1].start(), min(ids[-1].end(), end))


def _is_phone(number: str) -> bool:
    national = "0" + number[2:].removeprefix("0") if number.startswith("81") else number
    mobile = national[:3] in {"020", "050", "060", "070", "080", "090"} or national.startswith("0800")
    return len(national) == (11 if mobile else 10) and national[1] != "0"
