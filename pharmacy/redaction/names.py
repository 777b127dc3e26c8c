"""Names that nobody has told us: by frequent surnames, by how people are addressed, by how they give their name."""

import re
from functools import cache

from pharmacy.redaction.lexicon import AMBIGUOUS, given_characters, given_readings, surname_readings, surnames
from pharmacy.redaction.reading import Reading
from pharmacy.redaction.span import Kind, Span, spans_of
from pharmacy.redaction.words import words

KANJI = "[一-龥々〆ヵヶ\ufa0e-\ufa2d\U00020000-\U0002fa1f]"
_HIRA, _KATA = "[ぁ-んー]", "[ァ-ヺー]"
# No kanji before, unless it says whose relative this is.
_ALONE = rf"(?:(?<!{KANJI})|(?<=[妹姉兄弟妻夫娘父母孫]))"
_START = r"(?:^|(?<=[\s、。,.:;・!?(「『\[→>=/-]))"
_HONORIFIC = r"(?=\s?(?:様|さま|さん|サン|ちゃん|くん|君(?!子)|氏|殿|先生|薬剤師|店長|医師|Dr))"
_SAYS = r"(?=(?:と(?:申し|申す|いいま|言いま|言う者|いう者|いうもの|読みます|書いて)|って(?:言い|いい)ま|と言いますが))"
_ENDS = (
    r"(?=$|[\s、。,.:;・!?)」』\]→/(🙏]|です|でした|と|の|より|から|宛|名義|に|を|が|は|へ|も|で|じゃ|って|だ|"
    r"様|さま|さん|ちゃん|くん|君|氏|殿|先生)"
)

# Words that stand before 様, さん or 先生 and name nobody.
_NOBODY = words("nobody")
_NOBODY_KANA = words("nobody_in_kana")


def names(reading: Reading) -> list[Span]:
    """Return what is a person's name by its form or by the words around it."""
    text = reading.text
    forms = (hit for pattern in _by_form() for hit in pattern.finditer(text))
    found = [hit.span("found") for hit in forms if hit["found"] not in _PLAIN_WORDS]
    found += [hit.span("found") for hit in _given(text)]
    found += [
        hit.span("found") for pattern in _ADDRESSED for hit in pattern.finditer(text) if _is_somebody(hit["found"])
    ]
    found += [hit.span("found") for pattern in _CALLED for hit in pattern.finditer(text) if _may_be_name(hit["found"])]
    return spans_of(Kind.NAME, reading, found)


_ONE_OR_TWO = rf"{KANJI}{{1,5}}(?:[ ・]?{_HIRA}{{1,4}}|[ ・]{KANJI}{{1,4}}|[ ・]?{_KATA}{{1,6}})?"
_ADDRESSED = (
    re.compile(
        rf"(?<!{KANJI})(?P<found>{KANJI}{{1,5}}(?: {{1,2}}(?:{KANJI}{{1,4}}|{_HIRA}{{1,6}}|{_KATA}{{1,6}}))?)"
        rf"{_HONORIFIC}"
    ),
    re.compile(rf"(?<![ァ-ヺーA-Za-z])(?P<found>{_KATA}{{2,8}}(?: {_KATA}{{2,8}})?){_HONORIFIC}"),
    re.compile(rf"{_START}(?P<found>{_HIRA}{{2,6}}(?: {_HIRA}{{2,6}})?)(?=さん|さま|様|ちゃん|くん|先生)"),
)
_FIELD = (
    r"(?:氏名|お?名前|名義人?|宛名|差出人|受取人|申込者|依頼者|予約者名?|予約名|患者名|本人|ご?担当者|"
    r"フリガナ|ふりがな|ヨミ|保護者名?|旧姓|苗字|名字|姓|下の名前|名(?=は)|主治医|ご?依頼主|代理人|連名)"
)
_CALLED = (
    re.compile(rf"{_FIELD}(?:は|が|→|:|、|で|の)?\s{{0,2}}(?:妻の|夫の|母の|父の|が)?(?P<found>{_ONE_OR_TWO}){_ENDS}"),
    re.compile(
        rf"{_FIELD}(?:は|が|→|:|、)?\s{{0,2}}"
        rf"(?P<found>{_KATA}{{2,8}}(?:[ ・]{_KATA}{{2,8}})?|{_HIRA}{{2,8}} {_HIRA}{{2,8}}){_ENDS}"
    ),
    re.compile(rf"(?<!{KANJI})(?P<found>{_ONE_OR_TWO}){_SAYS}"),
    re.compile(rf"(?P<found>{_KATA}{{2,8}}(?:[ ・]{_KATA}{{1,8}}){{0,3}}){_SAYS}"),
    re.compile(rf"{_START}(?P<found>{_HIRA}{{2,6}} ?{_HIRA}{{2,6}}?){_SAYS}"),
    re.compile(rf"(?P<found>{_KATA}{{2,10}}(?:・{_KATA}{{1,10}}){{1,3}})(?=です|と|の|様|さん|$)"),
    re.compile(rf"{_START}(?P<found>{_KATA}{{2,6}} {_KATA}{{2,6}})(?=です|と|の|様|さん|\)|、|,|$)"),
    # Given alone, by whose child, parent or spouse it is.
    re.compile(
        r"(?:妻|夫|娘|息子|母|父|妹|姉|兄|弟|孫|祖父|祖母|叔母|叔父|長男|次男|長女|次女|三男|三女|子供|子ども|友達|友人)"
        r"(?:の|、|は|が|・| )"
        rf"(?P<found>{KANJI}{{1,4}} {KANJI}{{1,4}}){_ENDS}"
    ),
)


@cache
def _by_form() -> tuple[re.Pattern[str], ...]:
    sure = "|".join(sorted(set(surnames()) - AMBIGUOUS, key=len, reverse=True))
    every = "|".join(sorted(surnames(), key=len, reverse=True))
    readings = "|".join(sorted(surname_readings(), key=len, reverse=True))
    katakana = _katakana(readings)
    given = "|".join(sorted(given_readings(), key=len, reverse=True))
    characters = "".join(sorted(given_characters()))
    return (
        # Surname and given name, then the surname alone where it can be nothing else.
        re.compile(rf"{_ALONE}(?P<found>(?:{every}) {{0,2}}[{characters}]{{1,3}})(?!{KANJI}){_ENDS}"),
        re.compile(rf"{_ALONE}(?P<found>(?:{every}) {{0,2}}[{characters}]{{2,3}})(?=様|氏|殿|君|先生|生|名義|宛)"),
        re.compile(rf"{_ALONE}(?P<found>(?:{every}) {{0,2}}(?:{given}|{_katakana(given)})){_ENDS}"),
        re.compile(rf"{_ALONE}(?P<found>(?:{every}) {{1,2}}(?:{_HIRA}{{2,5}}|{_KATA}{{2,6}})){_ENDS}"),
        re.compile(
            rf"{_ALONE}(?P<found>(?:{sure})(?!です|でし|から|さん|より|さま|って|とい|とか|との|には){_HIRA}{{2,4}}?){_ENDS}"
        ),
        re.compile(rf"{_ALONE}(?P<found>(?:{sure}))(?!{KANJI}){_ENDS}"),
        re.compile(rf"^(?P<found>(?:{every}))(?=です|でした|より|と申|と言|といい)"),
        # Any two words in kanji of which the second is written like a given name.
        re.compile(
            rf"(?<!{KANJI})(?P<found>{KANJI}{{1,4}} {{1,2}}[{characters}]{{1,3}})(?!{KANJI})"
            r"(?=$|[\s、。,(:)」]|です|でした|と申|様|さん|宛|名義)"
        ),
        re.compile(rf"{_START}(?P<found>(?:{readings}) {{0,2}}(?:{given}))(?=$|[\s、。,(:)]|です|と|様|さん|の)"),
        re.compile(
            rf"{_START}(?P<found>(?:{readings}) {{1,2}}{_HIRA}{{2,5}}?)(?=$|[、。,(:)]|です|と申|と言|とい|様|さん|の)"
        ),
        re.compile(rf"(?<![ァ-ヺー])(?P<found>(?:{katakana}) {{0,2}}(?:{_katakana(given)}))(?![ァ-ヺー])"),
        re.compile(rf"(?<![ァ-ヺー])(?P<found>(?:{katakana}) {{1,2}}{_KATA}{{2,6}})(?![ァ-ヺー])"),
        re.compile(rf"(?P<found>(?:{readings}))(?=さん|さま|様|先生|くん|ちゃん|と申し)"),
        re.compile(rf"(?<=[妻夫娘子母父妹姉兄弟孫女男]の)(?P<found>{given}|{_katakana(given)}){_ENDS}"),
    )


def _given(text: str) -> list[re.Match[str]]:
    """Return given names in kana that begin a sentence and own or do something."""
    return [hit for hit in _GIVEN_ALONE.finditer(text) if hit["found"] in given_readings()]


_GIVEN_ALONE = re.compile(rf"{_START}(?P<found>{_HIRA}{{3,6}}?)(?=の薬|の分|のもの|は元気|です$|ちゃん|くん)")


def _is_somebody(found: str) -> bool:
    bare = found.strip()
    last = bare.split()[-1] if bare else ""
    if bare in _NOBODY_KANA or bare in _NOBODY or last in _NOBODY or last in _NOBODY_KANA:
        return False
    return not any(bare.endswith(nobody) for nobody in _NOBODY if len(nobody) > 1)


def _may_be_name(found: str) -> bool:
    return _is_somebody(found) and found not in _PLAIN_WORDS and not found.endswith(("漢方", "湯", "丸", "散"))


_PLAIN_WORDS = words("plain")


def _katakana(hiragana: str) -> str:
    return "".join(chr(ord(letter) + 0x60) if "ぁ" <= letter <= "ゖ" else letter for letter in hiragana)
