"""One spelling for each sound: what a message and a rule's words have in common before they are compared."""

import re
import unicodedata

BOUNDARY = "。"
"""Ends a sentence in a gate text; nothing in a rule reaches across it, nor across `?` and `!`."""

_SMALL = str.maketrans("ぁぃぅぇぉっゃゅょゎゕゖ", "あいうえおつやゆよわかけ")
_SAME_SOUND = str.maketrans("をぢづゐゑ", "おじずいえ")
_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_DRAWN_OUT = re.compile(r"ー+|(?<![0-9])[〜~]+|[〜~]+(?![0-9])")
# たすけてぇ, いたぁい: a small vowel that only draws out the sound before it says nothing.
_DRAWN_OUT_VOWEL = re.compile(
    "(?<=[あかさたなはまやらわがざだばぱゃ])ぁ+|(?<=[うくすつぬふむゆるぐずぶぷゅ])ぅ+"
    "|(?<=[えけせてねへめれげぜでべぺ])ぇ+|(?<=[おこそとのほもよろごぞどぼぽょ])ぉ+"
)


def fold(text: str) -> str:
    """Return `text` in NFKC, lower case, katakana as hiragana, small kana as large, without drawn-out vowels.

    Each letter is folded by itself, so words and longer texts that hold them are folded alike.
    """
    text = unicodedata.normalize("NFKC", text).lower().translate(_KATAKANA)
    text = _DRAWN_OUT_VOWEL.sub("", _DRAWN_OUT.sub("", text))
    return text.translate(_SMALL).translate(_SAME_SOUND)
