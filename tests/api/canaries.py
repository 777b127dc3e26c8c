"""200 pieces of personal data in 20 formats, each in a patient's own words, and how to look for them."""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

from pharmacy.redaction.numbers import check_figure, passes_luhn

PER_FORMAT = 10

_SURNAMES = ["霧島", "三枝", "鵜飼", "佐伯", "柏原", "榊原", "東雲", "五十嵐", "長谷川", "田中"]
_GIVEN = ["花子", "健一", "美咲", "大輔", "由美子", "翔太", "千尋", "直樹", "陽菜", "誠"]
_HONOURED = ["高村", "鷺沢", "入江", "朝比奈", "荒川", "桐谷", "速水", "真田", "雨宮", "鳴海"]
_KANA = ["タナカ", "サトウ", "スズキ", "ヤマモト", "イトウ", "ワタナベ", "ナカムラ", "コバヤシ", "カトウ", "ヨシダ"]
_KANA_GIVEN = ["ハナコ", "ケンイチ", "ミサキ", "ダイスケ", "ユミコ", "ショウタ", "チヒロ", "ナオキ", "ヒナ", "マコト"]
_LATIN = ["Tanaka", "Sato", "Suzuki", "Yamamoto", "Ito", "Watanabe", "Nakamura", "Kobayashi", "Kato", "Yoshida"]
_LATIN_GIVEN = ["Hanako", "Kenichi", "Misaki", "Daisuke", "Yumiko", "Shota", "Chihiro", "Naoki", "Hina", "Makoto"]
_TOWNS = [
    "東京都千代田区丸の内",
    "大阪府吹田市山田東",
    "神奈川県横浜市港北区日吉",
    "北海道札幌市中央区北一条",
    "愛知県名古屋市東区泉",
    "福岡県福岡市博多区博多駅前",
    "京都府京都市中京区西ノ京",
    "宮城県仙台市青葉区国分町",
    "広島県広島市中区基町",
    "沖縄県那覇市泉崎",
]
_WIDE = str.maketrans("0123456789-", "０１２３４５６７８９－")
_KANJI = str.maketrans("0123456789", "〇一二三四五六七八九")


@dataclass(frozen=True)
class Canary:
    """One piece of personal data."""

    form: str
    secrets: tuple[str, ...]
    """Each of them alone would be a leak."""

    sentence: str
    """How a patient writes it."""


def canaries() -> list[Canary]:
    """Return ten of each format, all different."""
    return [canary for number in range(PER_FORMAT) for canary in _of(number)]


def leaked(haystack: str, every: list[Canary]) -> list[str]:
    """Return the secrets that stand in `haystack`, however it writes them: width, spaces, dashes, escapes."""
    seen = _compact(haystack)
    # A long number is one however it is parted; a short one could stand in any other by chance.
    unparted = seen.replace("-", "")
    secrets = {secret for canary in every for secret in canary.secrets}
    return sorted(each for each in secrets if _compact(each) in seen or (_is_long(each) and _bare(each) in unparted))


def _of(n: int) -> list[Canary]:
    kanji, given = _SURNAMES[n], _GIVEN[n]
    kana, kana_given = _KANA[n], _KANA_GIVEN[n]
    hira, hira_given = _hiragana(kana), _hiragana(kana_given)
    mobile, home = f"090-48{n}1-73{n}9", f"03-54{n}2-86{n}1"
    born = f"19{60 + n}年{n + 1}月{n + 11}日"
    card = _with_luhn(f"49801234{n}678901")
    mine = f"8765432109{n}"
    number = mine + str(check_figure(mine))
    return [
        Canary("name", (kanji, given), f"{kanji}{given}と申します。葛根湯は食前ですか。"),
        Canary("name with an honorific", (_HONOURED[n],), f"{_HONOURED[n]}さんに言われて飲み始めました。"),
        Canary("katakana", (kana, kana_given), f"{kana} {kana_given}です。食後に飲みますか。"),
        Canary("hiragana", (hira + hira_given,), f"{hira}{hira_given}と申します。"),
        Canary(
            "half width katakana",
            (_narrow(kana), _narrow(kana_given)),
            f"ﾌﾘｶﾞﾅは{_narrow(kana)} {_narrow(kana_given)}です",
        ),
        Canary("romaji", (_LATIN_GIVEN[n], _LATIN[n]), f"My name is {_LATIN_GIVEN[n]} {_LATIN[n]}. Is it safe?"),
        Canary("address", (f"{n + 2}-1{n}-{n + 5}",), f"住所は{_TOWNS[n]}{n + 2}-1{n}-{n + 5}です。いつ届きますか。"),
        Canary(
            "address in kanji",
            (f"{_kanji(n + 1)}丁目十{_kanji(n + 1)}番",),
            f"届け先を{_TOWNS[n]}{_kanji(n + 1)}丁目十{_kanji(n + 1)}番に",
        ),
        Canary("postal code", (f"15{n}-48{n}2",), f"郵便番号は15{n}-48{n}2です。"),
        Canary("mobile", (mobile,), f"電話は{mobile}です。折り返しください。"),
        Canary("full width phone", (home,), f"自宅は{home.translate(_WIDE)}です。"),
        Canary("phone in kanji", (mobile.translate(_KANJI),), f"携帯は{mobile.translate(_KANJI)}です。"),
        Canary("phone with spaces", (f"080 77{n}3 65{n}4",), f"番号は080 77{n}3 65{n}4です。"),
        Canary("date of birth", (born,), f"{born}生まれです。飲めますか。"),
        Canary(
            "date of birth by era",
            (f"昭和{40 + n}年{n + 1}月{n + 12}日",),
            f"昭和{40 + n}年{n + 1}月{n + 12}日生まれの母の件です。",
        ),
        Canary("mail", (f"canary.{n}x@example.com",), f"メールはcanary.{n}x@example.comです。"),
        Canary("LINE id", (f"kanaria_{n}77",), f"LINEのIDはkanaria_{n}77です。"),
        Canary("insurance", (f"0613{n}98{n}",), f"保険者番号は0613{n}98{n}です。"),
        Canary("My Number", (number,), f"マイナンバーは{number[:4]} {number[4:8]} {number[8:]}です。"),
        Canary("card", (card,), f"カード番号は{card[:4]}-{card[4:8]}-{card[8:12]}-{card[12:]}です。"),
    ]


def _compact(text: str) -> str:
    plain = unquote(_unescaped(text))
    return re.sub(r"[\s]+", "", unicodedata.normalize("NFKC", plain)).replace("−", "-")


def _is_long(secret: str) -> bool:
    return len(_bare(secret)) >= 10 and _bare(secret).isdigit()


def _bare(secret: str) -> str:
    return _compact(secret).replace("-", "")


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


def _hiragana(katakana: str) -> str:
    return "".join(chr(ord(letter) - 0x60) for letter in katakana)


def _narrow(katakana: str) -> str:
    narrow = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E)}
    parts = (unicodedata.normalize("NFD", letter) for letter in katakana)
    return "".join(narrow.get(each, {"\u3099": "ﾞ", "\u309a": "ﾟ"}.get(each, each)) for part in parts for each in part)


def _kanji(number: int) -> str:
    return "〇一二三四五六七八九十"[number]


def _with_luhn(front: str) -> str:
    return next(front + figure for figure in "0123456789" if passes_luhn(front + figure))
