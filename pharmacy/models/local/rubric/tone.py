"""Tone: polite, calm, neither curt nor long, in Japanese."""

import re
from collections.abc import Iterator

from pharmacy.models.local.rubric.material import Material, Verdict, worst
from pharmacy.models.local.wording import sentences

SHORTEST, LONGEST = 20, 500
"""Characters between which a reply's length is right."""

_POLITE_END = re.compile(
    "(?:です|ます|ません|でした|ました|ください|下さい|でしょう|ましょう|ませ|ございます|ますよう|お願いします)(?:か|ね|よ|よね|が|ので|から)*"
    "[。!?！？」）)…♪]*$|(?:とのこと|なこと|のこと)[。]?$"
)
_RUDE = re.compile(
    "お前|おまえ|あんた|ばか|馬鹿|しろ(?:。|$|よ)|しなさい|当たり前|前にも言|言いましたよね|ちゃんと(?:読|し)|わがまま|自業自得|自己責任|知りません"
    "|常識|いい加減|面倒|うるさ|だめじゃない|(?:だ|だろ|だよ|じゃん|っす|だね|かもね|だわ|してね|だぞ)[。!！]|笑[。!]?$|ww"
)
_HURRIES = re.compile(
    "早くして|急いでくださ|今すぐ(?:決|買|注文)|手遅れ|大変なことに|取り返しのつかない|怖い(?:病気|こと)"
)
_SHOUT = re.compile("[!！]{2,}|[?？]{2,}|…{3,}|[♪★☆♡♥]{2,}")
_JAPANESE = re.compile("[ぁ-んァ-ヶー一-龥々〆、。「」]")
_LETTER = re.compile(r"[^\W\d_]|[、。「」]")
_MARKUP = re.compile(r"^\s*(?:[-*#・●■]|\d+[.)])\s|\*\*", re.MULTILINE)


def tone(material: Material) -> Verdict:
    """Return the mark for tone: 1 for another language or rudeness, 2 for curt, plain, loud or too long."""
    found = (*_language(material.draft), *_length(material.draft), *_manners(material.draft))
    return worst(found, Verdict(5, "ていねいで、長さもちょうどよい文です。"))


def _language(draft: str) -> Iterator[Verdict]:
    letters = len(_LETTER.findall(draft)) or 1
    if len(_JAPANESE.findall(draft)) / letters < 0.6:
        yield Verdict(1, "日本語の返信ではありません。")


def _length(draft: str) -> Iterator[Verdict]:
    count = len(draft.strip())
    if count < SHORTEST:
        yield Verdict(2, f"{count}字では短すぎ、そっけなく読めます。")
    elif count > LONGEST:
        yield Verdict(2, f"{count}字は長すぎます。{LONGEST}字までにしてください。")


def _manners(draft: str) -> Iterator[Verdict]:
    if found := _RUDE.search(draft):
        yield Verdict(1 if len(found.group()) > 2 else 2, f"「{found.group()}」は、患者への言葉づかいではありません。")
    if found := _HURRIES.search(draft):
        yield Verdict(2, f"「{found.group()}」と、急かすかこわがらせる言い方です。")
    if _SHOUT.search(draft) or draft.count("!") + draft.count("！") > 2:
        yield Verdict(2, "感嘆符や記号が多く、落ち着いた文ではありません。")
    if _MARKUP.search(draft):
        yield Verdict(2, "箇条書きや見出しの記号があり、トークの文になっていません。")
    parts = sentences(draft)
    plain = [part for part in parts if not _POLITE_END.search(part.rstrip())]
    if len(plain) * 3 > len(parts):
        yield Verdict(2, f"「{plain[0][-12:]}」など、です・ますで終わらない文が目立ちます。")
