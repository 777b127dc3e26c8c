"""A text with every word of a known kind, such as a delivery word, written as that kind's one sign."""

import hashlib
import re
import tomllib
from functools import cache
from pathlib import Path

from pharmacy.models.local.ngrams import normal

WORDS = Path(__file__).parent / "word_kinds.toml"
_FIRST_SIGN = 0xE000  # private use: no message writes these, and NFKC leaves them alone


def with_kinds(text: str) -> str:
    """Return `text` as the students read it, a sign in place of each known word; the longer word counts."""
    signs, words = _signs()
    return words.sub(lambda found: signs[found[0]], normal(text))


@cache
def words_fingerprint() -> str:
    """Return 12 hex digits over the words and their kinds: another list is another language to a student."""
    return hashlib.sha256(WORDS.read_bytes()).hexdigest()[:12]


@cache
def _signs() -> tuple[dict[str, str], re.Pattern[str]]:
    kinds: dict[str, str] = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    signs = {
        normal(word)[1:-1]: chr(_FIRST_SIGN + place)
        for place, words in enumerate(kinds.values())
        for word in words.split()
    }
    return signs, re.compile("|".join(re.escape(word) for word in sorted(signs, key=len, reverse=True)))
