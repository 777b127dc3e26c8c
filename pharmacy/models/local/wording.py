"""A patient's words made comparable: folded, freed of greetings, cut into clauses."""

import re
import unicodedata
from collections.abc import Mapping

LEANS = 12
"""Letters of a question, below which it may not be clear by itself: it is read with the sentence before it."""

_TO_HIRAGANA: Mapping[int, int] = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_PRESSED = re.compile("【めにゅー】")
# Said with any request, whatever it is about; left in, it would make all messages alike.
_GREETINGS = re.compile(
    "こんにちは|こんばんは|おはようございます|はじめまして|初めまして|お世話になって(?:おり|い)ます|お世話様です|お疲れ様です"
    "|お忙しいところ|恐れ入りますが|恐縮ですが|すみません(?:が)?|申し訳(?:ありません|ございません)が?|お手数(?:です|をおかけします)が?"
    "|どうぞ?(?:よろしく|宜しく)お願い(?:いた|致)?します|(?:よろしく|宜しく)お願い(?:いた|致)?します(?=.|$)"
    "|いつも(?:大変)?(?:ありがとうございます|お世話になって(?:おり|い)ます)"
    "|(?:ご連絡|お?返事|ご?返信|ご丁寧に|早速)[^。、]{0,8}ありがとうございます(?=[。、!\n].{4})"
    "|ちょっと(?:いい|聞いてもいい)ですか|お?返事(?:を)?お待ちして(?:い|おり)ます|お願いがあります"
    "|(?:毎日|今日は?|急に|最近|だいぶ|すっかり|梅雨で|朝晩)*(?:暑|寒|涼し|じめじめ|冷え)[^。、!?\n]{0,10}ねえ?(?=[。、!?\n])"
    "|質問(?:なの)?ですが|質問です(?!が)|お(?:伺い|聞き|尋ね)したいのですが|突然(?:です|すみません)が?|失礼します"
)
_CLAUSE = re.compile(
    "[。.!?\n\r…]+|、|,|(?:けれど|けど)も?(?=[^。]{4})|(?:です|ます|たい|ない)(?:が|し|ので|から)(?=[^。]{4})"
    "|のと、?|あと(?=[、はでもひ一])|それと|それから|ちなみに|また、|ついでに|もう一つ|もうひとつ"
)
_NOISE = re.compile(r"[^\w]|_")
_ASKING = re.compile(
    "か(?:$|[ね、。?!])|の\\?|\\?|教えて|知りたい|ください|下さい|ほしい|欲しい|もらえ|いただけ|頂け|お願い|たい(?:です|の|$|[、。!])|"
    "どう(?:すれ|した|やっ|い)|いつ|いくら|なぜ|なんで(?!す)|どこ|どれ|どの|どちら|どっち|何[をがにで回包時日個]|かな(?:$|[。?])|でしょう|迷って|わかりません|わからな"
)


def folded(text: str) -> str:
    """Return `text` in lower case and full-width forms made one, katakana as hiragana, without unseen characters."""
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).translate(_TO_HIRAGANA).lower()


def without_greetings(text: str) -> str:
    """Return the folded text's matter: no greeting, no menu mark; the text itself when nothing else is in it."""
    bare = _GREETINGS.sub("", _PRESSED.sub("", text)).strip(" 、。!\n")
    return bare or text.strip()


def clauses(text: str) -> list[str]:
    """Return the parts of a folded text that may each say something of their own."""
    parts = (part.strip() for part in _CLAUSE.split(text) if part)
    return [part for part in parts if len(_NOISE.sub("", part)) >= 4]


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, each with its closing mark."""
    return [part.strip() for part in re.findall("[^。!?！？\n]+[。!?！？]*", text) if part.strip()]


def asks(text: str) -> bool:
    """Whether a folded text asks or wishes for something."""
    return bool(_ASKING.search(text))


def what_is_asked(text: str) -> str:
    """Return the sentences of a folded text that ask, a short one with the one before it; all where none asks."""
    said = sentences(text)
    asking = [at for at, sentence in enumerate(said) if asks(sentence)]
    leaned_on = {at - 1 for at in asking if at and len(_NOISE.sub("", said[at])) < LEANS}
    return "".join(said[at] for at in sorted({*asking, *leaned_on})) or text


def grams(text: str) -> set[str]:
    """Return the character pairs and threes of a folded text, and its single kanji."""
    bare = _NOISE.sub("", text)
    found = {bare[i : i + n] for n in (2, 3) for i in range(len(bare) - n + 1)}
    return found | {letter for letter in bare if "㐀" <= letter <= "鿿"}
