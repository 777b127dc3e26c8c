"""What an outgoing text may not carry over from elsewhere: another patient's name, the words of a prompt."""

from collections.abc import Iterator
from functools import lru_cache

from pharmacy.domain.gates.claims_view import letters

Span = tuple[int, int]

RUN_CHARS = 24
"""So many letters in a row shared with a prompt are a copy, no chance: stock phrases of a pharmacy are shorter."""

_TITLES = ("さん", "さま", "様", "氏", "ちゃん", "くん", "君", "殿")
_CLEAR_KANJI = 2
_CLEAR_KANA = 4


def other_names(words: str, names: frozenset[str]) -> Iterator[Span]:
    """Yield the spans in `words`, a view of letters, that are one of `names`.

    A name so short that it stands inside common words counts only before a title: 林様, but not 林間学校.
    """
    for name in sorted(names):
        folded = letters(name).text
        if not folded:
            continue
        clear = len(folded) >= (_CLEAR_KANA if _is_kana(folded) else _CLEAR_KANJI)
        place = words.find(folded)
        while place >= 0:
            end = place + len(folded)
            if clear or words.startswith(_TITLES, end):
                yield place, end
            place = words.find(folded, end)


def copied_prompts(words: str, prompts: tuple[str, ...]) -> Iterator[Span]:
    """Yield the spans in `words`, a view of letters, that share a run of `RUN_CHARS` or more with one of `prompts`."""
    if not (runs := _runs(prompts)):
        return
    places = [place for place, char in enumerate(words) if char.isalnum()]
    squeezed = _squeezed(words)
    start = end = -1
    for place in range(len(squeezed) - RUN_CHARS + 1):
        if squeezed[place : place + RUN_CHARS] not in runs:
            continue
        if place > end:
            if start >= 0:
                yield places[start], places[end - 1] + 1
            start = place
        end = place + RUN_CHARS
    if start >= 0:
        yield places[start], places[end - 1] + 1


@lru_cache(maxsize=8)
def _runs(prompts: tuple[str, ...]) -> frozenset[str]:
    words = [_squeezed(letters(prompt).text) for prompt in prompts]
    return frozenset(text[i : i + RUN_CHARS] for text in words for i in range(len(text) - RUN_CHARS + 1))


def _squeezed(words: str) -> str:
    # A comma moved or left out makes no other sentence.
    return "".join(char for char in words if char.isalnum())


def _is_kana(text: str) -> bool:
    return all("\u3041" <= char <= "\u30ff" for char in text)
