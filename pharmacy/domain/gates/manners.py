"""Whether a reply is written as a pharmacy writes: in whole polite sentences. A model out of its mind writes none."""

from collections.abc import Iterator

import re2

_ENDS = re2.compile(r"[。！？!?]+")
_LISTED = re2.compile(r"\s*(?:[・●○■◆※*\-]|\(?[0-9０-９]{1,2}[.)）、:：]|[①-⑳])")
_LETTER = re2.compile(r"[\pL\pN]")
_POLITE = re2.compile(
    r"(?:です|ます|ました|ません|ましょう|でした|でしょう|ください|下さい|ませ)"
    r"(?:よね|か|ね|よ|が|けれども|けれど|けど|ので|から|と)?$"
    r"|^(?:はい|いいえ|こんにちは|こんばんは|お大事に|ご自愛を)$|(?:様|さま|さん)$"
)
_CLOSING = " \t　)）」』】〉〜～…♪、,"


def is_polite(reply: str) -> bool:
    """Return whether every sentence of `reply` ends as polite Japanese does; what stands in a list may be a name."""
    spoken = [*_spoken(reply)]
    return bool(spoken) and all(_POLITE.search(sentence.rstrip(_CLOSING)) for sentence in spoken)


def _spoken(reply: str) -> Iterator[str]:
    for number, line in enumerate(reply.strip().splitlines()):
        sentences = [sentence.strip() for sentence in _ENDS.split(line) if _LETTER.search(sentence)]
        # A reply does not begin with a list.
        yield from sentences[1 if number and _LISTED.match(line) else 0 :]
