"""The figures in a text: numbers with their units, so that `1日3回` and `一日三回` are one thing."""

import re
import unicodedata

_UNITS = {
    "ヶ月": "か月",
    "カ月": "か月",
    "ヵ月": "か月",
    "ケ月": "か月",
    "箇月": "か月",
    "才": "歳",
    "グラム": "g",
    "ぐらむ": "g",
    "ヶ月間": "か月",
}
_DIGITS = {kanji: value for value, kanji in enumerate("〇一二三四五六七八九")}
_FIGURE = re.compile(
    r"(?P<value>\d[\d,]*(?:\.\d+)?|[一二三四五六七八九十百千]+)\s*(?P<unit>mg|ml|g|ぐらむ|グラム|回|包|錠|丸|粒|袋|箱|本|時間|時|分|日|週間|週|"
    "[かヶカヵケ箇]月|月|年|円|%|割|歳|才|度|杯|種類)"
)
_PHRASES = re.compile(
    "十分|八分目|一度|一回り|一時的|一年を通|一日(?:中|の|を|で)|一日|一回|一月|一年|一本|一杯|一歩|百薬|千差|一時|四季|一週"
)
_ISO = re.compile(r"\d{4}-(\d{2})-(\d{2})")


def figures(text: str) -> frozenset[tuple[str, str]]:
    """Return each number of a text with its unit, in digits and one spelling; an ISO date as its month and day."""
    flat = unicodedata.normalize("NFKC", text)
    dates = {pair for iso in _ISO.finditer(flat) for pair in ((_plain(iso[1]), "月"), (_plain(iso[2]), "日"))}
    bare = _PHRASES.sub("", _ISO.sub("", flat))
    found = {(_plain(match["value"]), _UNITS.get(match["unit"], match["unit"])) for match in _FIGURE.finditer(bare)}
    return frozenset(found | dates)


def _plain(value: str) -> str:
    if value[0].isdigit():
        number = value.replace(",", "")
        return str(float(number)).removesuffix(".0") if "." in number else str(int(number))
    return str(_from_kanji(value))


def _from_kanji(value: str) -> int:
    total, digit = 0, 0
    for sign in value:
        if (power := {"十": 10, "百": 100, "千": 1000}.get(sign)) is not None:
            total, digit = total + (digit or 1) * power, 0
        else:
            digit = digit * 10 + _DIGITS[sign]
    return total + digit
