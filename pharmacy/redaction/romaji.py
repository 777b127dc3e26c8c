"""Hiragana in Latin letters, as names are spelt in passports and mails."""

import itertools

_ROWS = {
    "": "あいうえお", "k": "かきくけこ", "s": "さしすせそ", "t": "たちつてと", "n": "なにぬねの",
    "h": "はひふへほ", "m": "まみむめも", "r": "らりるれろ", "g": "がぎぐげご", "z": "ざじずぜぞ",
    "d": "だぢづでど", "b": "ばびぶべぼ", "p": "ぱぴぷぺぽ",
}  # fmt: skip
_HEPBURN = {"si": "shi", "ti": "chi", "tu": "tsu", "hu": "fu", "zi": "ji", "di": "ji", "du": "zu"}
_OTHERS = {"や": "ya", "ゆ": "yu", "よ": "yo", "わ": "wa", "を": "o", "ん": "n"}
_SMALL = {"ゃ": "a", "ゅ": "u", "ょ": "o", "ぇ": "e"}


def _one_by_one() -> dict[str, str]:
    pairs = {kana: row + vowel for row, kanas in _ROWS.items() for kana, vowel in zip(kanas, "aiueo", strict=True)}
    return {kana: _HEPBURN.get(latin, latin) for kana, latin in pairs.items()} | _OTHERS


_LATIN = _one_by_one()


def romaji(kana: str) -> set[str]:
    """Return the usual spellings of a hiragana name: with long vowels written out, shortened, or as oh."""
    plain = _spelt(kana)
    short = plain.replace("ou", "o").replace("oo", "o").replace("uu", "u")
    oh = plain.replace("ou", "oh").replace("oo", "oh")
    joined = {plain, short, oh}
    return joined | {each.replace("nb", "mb").replace("np", "mp").replace("nm", "mm") for each in joined}


def _spelt(kana: str) -> str:
    letters: list[str] = []
    for this, following in itertools.pairwise(f"{kana} "):
        if this in _SMALL and letters:
            last = letters.pop()
            soft = last.startswith(("sh", "ch", "j"))
            letters.append(last[:-1] + ("" if soft else "y") + _SMALL[this])
        elif this == "っ":
            letters.append(_LATIN.get(following, "t")[0])
        else:
            letters.append(_LATIN.get(this, ""))
    return "".join(letters)
