"""Postal addresses: from prefecture or municipality down to the room, postal codes, rooms by the building's name."""

import re

from pharmacy.redaction.reading import Reading
from pharmacy.redaction.span import Kind, Span, spans_of

_PREFECTURE = (
    "東京都|北海道|京都府|大阪府|(?:青森|岩手|宮城|秋田|山形|福島|茨城|栃木|群馬|埼玉|千葉|神奈川|新潟|富山|石川|福井|山梨|長野|岐阜|静岡|"
    "愛知|三重|滋賀|兵庫|奈良|和歌山|鳥取|島根|岡山|広島|山口|徳島|香川|愛媛|高知|福岡|佐賀|長崎|熊本|大分|宮崎|鹿児島|沖縄)県"
)
# Municipalities that write their names in kana.
_KANA_TOWN = (
    "さいたま|つくばみらい|つくば|いわき|ひたちなか|かすみがうら|みどり|ふじみ野|いすみ|あきる野|かほく|あわら|みよし|いなべ|たつの|"
    "さぬき|東かがわ|うきは|みやま|えびの|うるま|むつ|にかほ|つがる|せたな|おいらせ|みなかみ|ときがわ|おおい|南あわじ|いちき串木野"
)
_LETTER = "[一-龥々〆ヵヶケ\ufa0e-\ufa2d]"
_CITY = rf"(?:(?:{_KANA_TOWN}|{_LETTER}{{1,6}}|[ァ-ヶー]{{2,8}})[市区町村郡])"
_TOWN = rf"(?:{_LETTER}|[ァ-ヶーの之ノツつが]|[ぁ-ん]{{2,6}}(?:まち|ちょう|台|が丘)){{0,12}}?"
_NUMBER = "[0-9〇一二三四五六七八九十百]{1,5}"
_BLOCK = rf"{_NUMBER}(?:丁目|番地の?|番町|番|号室|号|条[東西南北]?|線|[-ノの](?=[0-9〇一二三四五六七八九十]))?"
# What follows a number that counts something: a dose, a while, a price.
_COUNTED = r"(?!\s?(?:回|週|日|か月|ヶ月|カ月|時|分|錠|包|年|歳|円|mg|g|kg|人|箱|本|つ|個|%|[0-9]))"
_BUILDING = r"(?:\s?[ァ-ヶー一-龥A-Za-z・]{2,20}\s?[0-9]{1,4}(?:号室|号)?(?![0-9]))?"
_TAIL = rf"{_TOWN}{_BLOCK}(?:\s?{_TOWN}{_BLOCK}){{0,5}}{_COUNTED}{_BUILDING}"
_POSTAL = r"(?:〒\s?[0-9]{3}-?[0-9]{4}\s?)?"
_ADDRESS = re.compile(rf"{_POSTAL}(?:(?:{_PREFECTURE}){_CITY}{{0,3}}|(?<!{_LETTER}){_CITY}{{1,3}}){_TAIL}")
_POSTAL_ALONE = re.compile(r"〒\s?[0-9]{3}-?[0-9]{4}(?![0-9])|(?<![0-9A-Za-z-])[0-9]{3}-[0-9]{4}(?![0-9A-Za-z-])")
_ROOM = re.compile(r"[ァ-ヶー一-龥A-Za-z]{2,20}[0-9]{2,4}号室?(?![0-9])")
_CUE = re.compile(
    rf"(?:住所|送り先|届け先|お届け先|配送先|送付先|居所)[^0-9一-龥ァ-ヶ〒\n。]{{0,4}}(?P<found>[^0-9\n。、]{{2,30}}?{_BLOCK}(?:{_TOWN}{_BLOCK}){{0,5}}"
    rf"{_COUNTED}{_BUILDING})"
)
_BLOCK_SIGN = re.compile(r"丁目|番地|番|号|[0-9〇一二三四五六七八九十]-[0-9]")


def addresses(reading: Reading) -> list[Span]:
    """Return addresses that go down to a number; a prefecture or town alone is nobody's address."""
    found = [hit.span() for pattern in (_ADDRESS, _POSTAL_ALONE, _ROOM) for hit in pattern.finditer(reading.text)]
    found += [hit.span("found") for hit in _CUE.finditer(reading.text) if _BLOCK_SIGN.search(hit["found"])]
    return spans_of(Kind.ADDRESS, reading, found)
