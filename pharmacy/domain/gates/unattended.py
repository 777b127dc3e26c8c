"""What a reply may not be, and may not rest on, when nobody looks at it before it goes out.

These gates hold a text back for a pharmacist; they never refuse it. They rest on no model: a model that was talked into
something marks its own work.
"""

from collections.abc import Iterable, Iterator

import re2

from pharmacy.domain.gates.claims_contacts import unlisted_contacts
from pharmacy.domain.gates.claims_view import ENDS, hidden, letters, plain
from pharmacy.domain.gates.manners import is_polite
from pharmacy.domain.held_for import HeldFor

ECHO_CHARS = 14
"""So many letters in a row that the patient wrote are the patient's words and no reply's own."""

SHORTEST_ECHO = 5
"""Letters of a whole sentence; shorter ones are said by everybody."""

_COURTESY = re2.compile(
    r"(?:どうも|いつも|誠に|まことに|本当に|ほんとうに)?(?:ご)?(?:ありがとうございま(?:す|した)|ありがとう|よろしくお(?:願|ねが)い(?:いた)?します|承知(?:いた)?しました|"
    r"わかりました|分かりました|こんにちは|こんばんは|おはようございます|お世話になって(?:い|お)ります|お大事に(?:して|なさって)?ください|"
    r"お手数(?:を)?おかけします|お疲れ(?:さま|様)です|失礼(?:いた)?します)"
)
_SIGNS = tuple(
    re2.compile(pattern)
    for pattern in (
        r"<\s*[/!?|]?\s*[A-Za-z|]",  # markup
        r"[{\[]\s*[\"'{\[]|[\"']\s*:\s*[\"'\[{\d]|\{\{|\}\}|\{%|%\}",  # JSON, templates
        r"```|~~~|(?m:^\s*#{1,6}\s?\S)|\[/?[A-Z_]{3,}\]|<\||\|>",  # fences, headings, role marks
        r"(?i)\b(?:system|assistant|developer|user|human|ai|tool)\s*[:：>]",  # roles
        r"[A-Za-z0-9+/=_\-]{24,}|(?:\\x[0-9a-fA-F]{2}){3}|(?:&#x?[0-9a-fA-F]+;){3}|(?:%[0-9a-fA-F]{2}){4}|(?:\\u[0-9a-fA-F]{4}){3}",
        r"(?:[A-Za-z']{2,}[\s,.:;!?\"()-]+){4,}[A-Za-z']{2,}",  # a sentence in Latin letters, enciphered or not
    )
)
_TOKEN = re2.compile(r"[A-Za-z0-9+/=_\-]{20,}")
_LATIN = re2.compile(r"[A-Za-z]{2,}")
_COMMON_LATIN = frozenset(
    (
        "line",
        "pay",
        "web",
        "app",
        "qr",
        "ok",
        "am",
        "pm",
        "mg",
        "kg",
        "ml",
        "cm",
        "mm",
        "kcal",
        "ph",
        "jan",
        "pdf",
        "sms",
    )
)
"""Latin words that a Japanese reply may have of its own; another one is a name, a code, or somebody's order."""


def unfit_alone(reply: str) -> Iterator[HeldFor]:
    """Yield why `reply` may not go out unseen, whatever it rests on."""
    if any(unlisted_contacts(plain(reply).text, frozenset())):
        yield HeldFor.CONTACT_IN_REPLY  # the pharmacy's own too: what a link leads to can change
    foreign = any(word.group().casefold() not in _COMMON_LATIN for word in _LATIN.finditer(reply))
    if foreign or _TOKEN.search(reply) or speaks_to_machine(reply) or not is_polite(reply):
        yield HeldFor.ODD_FORM


def speaks_to_machine(text: str) -> bool:
    """Return whether `text` has signs that only a machine reads: markup, roles, codes, hidden letters, long Latin."""
    return any(hidden(text)) or any(sign.search(text) for sign in _SIGNS)


def echoes(reply: str, heard: Iterable[str]) -> bool:
    """Return whether `reply` says a whole sentence, or a long run of letters, that stands in what was `heard`.

    Args:
        heard: what the patient wrote, oldest first; what was split over several messages is read as one.
    """
    theirs = _squeezed(letters("".join(heard)).text)
    sentences = [_squeezed(sentence) for sentence in _sentences(letters(reply).text)]
    if any(len(s) >= SHORTEST_ECHO and s in theirs and not _COURTESY.fullmatch(s) for s in sentences):
        return True
    ours = "".join(sentences)
    runs = {theirs[at : at + ECHO_CHARS] for at in range(len(theirs) - ECHO_CHARS + 1)}
    return any(ours[at : at + ECHO_CHARS] in runs for at in range(len(ours) - ECHO_CHARS + 1))


def _sentences(words: str) -> list[str]:
    for end in ENDS[1:]:
        words = words.replace(end, ENDS[0])
    # What stands around a word in Latin letters is a sentence of its own: one word more must not hide whose it is.
    return [part for sentence in words.split(ENDS[0]) for part in _LATIN.split(sentence)]


def _squeezed(words: str) -> str:
    return "".join(char for char in words if char.isalnum())
