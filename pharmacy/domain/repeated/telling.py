"""What must be the same, letter by letter, before two questions may be one: numbers, names, negations, every matter."""

import re
import unicodedata
from collections.abc import Iterator

from pharmacy.domain.repeated.words import words

LEAST = 2
"""A question that tells less, such as `大丈夫ですか`, leans on what was said before it."""

_FIGURES = dict(zip("〇一二三四五六七八九", "0123456789", strict=True))
_COUNTERS = "日回包錠箱本個袋週月年時分円割倍人か数泊"
_WRITTEN_OUT = re.compile(f"[〇一二三四五六七八九]+(?=[{_COUNTERS}ヶヵ])")
_NUMBER = re.compile(r"[0-9]+")
_KANJI = re.compile("[㐀-鿿々]")
_FOREIGN = re.compile("[ァ-ヴー]{2,}|[a-z]+")
_KANA = re.compile("[ぁ-ゖー]+")


def telling(question: str) -> tuple[str, ...]:
    """Return what `question` tells: numbers, names, negations, matters, each kind in its order; not what is polite."""
    text = unicodedata.normalize("NFKC", question).lower()
    text = _WRITTEN_OUT.sub(lambda found: "".join(_FIGURES[figure] for figure in found[0]), text)
    text = words("polite").sub(" ", text)
    return tuple(_told(text))


def may_be_one(left: str, right: str) -> bool:
    """Return whether nothing that tells stands in one of two questions alone: then likeness decides."""
    return telling(left) == telling(right)


def _told(text: str) -> Iterator[str]:
    for found in (_NUMBER, _FOREIGN, words("negations"), words("asking")):
        yield from found.findall(text)
    rest = words("negations").sub(" ", text)
    yield from _KANJI.findall(rest)
    yield from filter(None, (_kana_word(run) for run in _KANA.findall(rest)))


def _kana_word(run: str) -> str:
    """Return what a run of hiragana says beside particles and endings; a single letter is the end of a kanji's word."""
    before = None
    while before != run:
        before = run
        run = words("endings").sub("", run)
    found = words("particles").sub("", run)
    return found if len(found) > 1 else ""
