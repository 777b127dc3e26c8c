"""Words in another language than what stands around them are marked as such, for whoever has them read aloud."""

import re
from collections.abc import Iterator

_TAG = re.compile(r"(<!--.*?-->|<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>)", re.DOTALL)
_NAME = re.compile(r"</?([a-zA-Z][\w-]*)")
_LANG = re.compile(r'\slang="([a-z-]*)"')
_HAN = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
)
_JAPANESE = re.compile(f"[{_HAN}]")
# What stands between two Japanese words belongs to them: figures, signs, and at most one word in Latin letters.
_RUN = re.compile(rf"[{_HAN}](?:[^A-Za-z<]*(?:[A-Za-z]+[^A-Za-z<]*)?[{_HAN}])*[、。」』）！？]*")
_ENGLISH = re.compile(r"(?:[A-Za-z]['’A-Za-z]*[,:;]? ){2,}[A-Za-z]['’A-Za-z]*")
"""Three words in a row: names of models, commands and keys are shorter, and sound the same in both."""

_LATIN = re.compile("[A-Za-z]")
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_PLAIN = frozenset({"option", "title", "textarea", "text"})
"""What can hold no element: the whole of it is marked."""


def marked(html: str, language: str) -> str:
    """Return the page, or the piece of one, with `lang` on each of its words that is not in the language around it.

    Args:
        language: that of the page, `ja` or `en`.
    """
    return "".join(_Reading(language).pieces(_TAG.split(html)))


class _Reading:
    def __init__(self, language: str) -> None:
        self._around = [("", language)]
        """The open elements, each with the language of what stands in it."""

    def pieces(self, split: list[str]) -> Iterator[str]:
        # Every second one is a tag; what stands before an element's words may get their language.
        for place, piece in enumerate(split):
            if place % 2:
                lies_in = split[place + 1]
                yield self._opened(piece, lies_in, split[place + 2] if place + 2 < len(split) else "")
            else:
                yield self._words(piece)

    def _opened(self, tag: str, words: str, after: str) -> str:
        found = _NAME.match(tag)
        name = found[1].lower() if found else ""
        if not found or name in ("script", "style"):
            return tag
        if tag.startswith("</"):
            while len(self._around) > 1 and self._around.pop()[0] != name:
                pass
            return tag
        if name in _VOID or tag.endswith("/>"):
            return tag
        given = _LANG.search(tag)
        language = given[1] if given else self._around[-1][1]
        alone = after.startswith(f"</{found[1]}") and "aria-label" not in tag and "title=" not in tag
        other = _other(words, language, whole=name not in _PLAIN) if not given and (alone or name in _PLAIN) else ""
        self._around.append((name, other or language))
        return f'{tag[:-1]} lang="{other}">' if other else tag

    def _words(self, words: str) -> str:
        name, language = self._around[-1]
        if not words.strip() or name in _PLAIN:
            return words
        if language == "en" and _JAPANESE.search(words):
            return _RUN.sub(lambda run: f'<span lang="ja">{run[0]}</span>', words)
        if language == "ja" and not _JAPANESE.search(words) and _ENGLISH.search(words):
            bare = words.strip()
            return words.replace(bare, f'<span lang="en">{bare}</span>', 1)
        return words


def _other(words: str, language: str, *, whole: bool) -> str:
    """Return the language that `words` are in, or nothing where it is the one around them.

    Args:
        whole: False where most of them is enough, as no part of them can be marked.
    """
    japanese = _JAPANESE.search(words) is not None
    if language == "en":
        left = _RUN.sub("", words)
        return "ja" if japanese and not (_LATIN if whole else _ENGLISH).search(left) else ""
    return "en" if not japanese and _ENGLISH.search(words) else ""
