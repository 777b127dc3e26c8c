"""Answers the question: the draft speaks of what was asked, in the kind of words that the question calls for."""

import re
from collections.abc import Iterator, Sequence

from pharmacy.models.local.rubric.material import Material, Verdict, is_question, words, worst
from pharmacy.models.local.wording import asks, clauses, grams, without_greetings

_WHICH_PRODUCT = re.compile(
    "(?:商品|漢方薬|お薬|もの).{0,16}(?:名前|どれ|どの)|名前を.{0,8}(?:教え|聞かせ|送)|どの漢方"
)
_STEP = "ください|いただ|かまいません|できます|おすすめ|避け|控え|お待ち|ません|よい|基本|方法|確認|確かめ|考え"
_KINDS = tuple(
    (name, re.compile(asked), re.compile(answered))
    for name, asked, answered in (
        ("値段", "いくら|値段|価格|料金", "円|確認|確かめ"),
        (
            "いつ届くか",
            "(?:いつ(?!も)|何日|何時).{0,12}(?:届|発送|着(?!て)|送|来(?!週|月))|(?:届|発送|到着).{0,8}(?:いつ(?!も)|何日)",
            "月[0-9]|[0-9]日|発送日|お届け(?:の)?(?:日|時期)|確認|確かめ",
        ),
        (
            "飲む時間",
            "(?:食前|食後|食間).{0,12}(?:か$|か[。?]|どちら|どっち)|いつ飲|何時.{0,6}飲|飲むたいみんぐ",
            "食前|食後|食間|空腹|就寝前|寝る前|時間|お食事",
        ),
        ("回数や量", "(?:1日|一日|飲むのは?)何回|何包|何錠|どのくらいの?量|用量", "[0-9]|回|包|錠|表示"),
        ("理由", "なぜ|なんで|どうして(?!も)|理由", "ため|ので|から|理由|とされ"),
        (
            "期間",
            "どれくらいで|どのくらい(?:で|続|飲)|いつまで|期間",
            "期間|日数|何日|時間|長さ|個人差|様子|経過|[0-9]",
        ),
        ("方法", "どうやって|どうすれば|どうしたら|方法|仕方", _STEP),
        (
            "よいかどうか",
            "(?:いい|大丈夫|平気|問題(?:は)?な|よい|だめ)(?:です|でしょう|の)?か|(?:いい|平気|大丈夫)\\?",
            _STEP,
        ),
    )
)
_EITHER = re.compile("([一-龥ぁ-んー]{1,8})(?:と|か)([一-龥ぁ-んー]{1,8}?)(?:の|は|、)*(?:どちら|どっち)")
_CARES = re.compile(
    "ありがと|ですね|ますね|ますよね|ですよね|うかが|でした|うれし|よかった|承知|もちろん|お知らせ|安心|つかれ"
)
_GREETING = re.compile("ありがとう|お知らせ|お待た|ご不便")

_Group = tuple[str, ...]


def answers_question(material: Material) -> Verdict:
    """Return the mark for answering: 1 for another matter or a repeated text, 2 for a question left open."""
    if _asks_which(material):
        return worst(_repeats(material), Verdict(4, "どの商品のことかを確かめる返信で、答える前に要る一歩です。"))
    found = (*_repeats(material), *_kinds(material), *_matters(material))
    return worst(found, Verdict(5, "患者の用件に触れ、たずねられた形で答えています。"))


def _asks_which(material: Material) -> bool:
    """Whether the draft asks for the product while nobody has named one."""
    return not material.told_formulas and any(is_question(s) and _WHICH_PRODUCT.search(s) for s in material.sentences)


def _repeats(material: Material) -> Iterator[Verdict]:
    said = {"".join(text.split()) for text in (*material.exchange.replies, material.exchange.text)}
    if "".join(material.draft.split()) in said:
        yield Verdict(1, "会話の中の文と同じ文面です。")


def _kinds(material: Material) -> Iterator[Verdict]:
    for name, asked, answered in _KINDS:
        if asked.search(material.asked) and asks(material.asked) and not answered.search(material.words):
            yield Verdict(2, f"{name}をたずねられていますが、それに当たる答えがありません。")
    if either := _EITHER.search(material.asked):
        options = [option.rsplit("は", 1)[-1] for option in either.groups()]
        if not any(option in material.words for option in options):
            yield Verdict(2, f"「{options[0]}」か「{options[1]}」かの答えがありません。")


def _matters(material: Material) -> Iterator[Verdict]:
    asked = without_greetings(material.asked)
    groups = [g for g in (*words().complaints, *words().matters) if _in(g, asked)]
    met = [g for g in groups if _in(g, material.words)]
    if groups and not met:
        yield from _missed(material, asked, groups)
    elif not groups and not _touches(material, asked):
        yield Verdict(2, "患者の言葉に触れておらず、何への返信かわかりません。")
    for part in clauses(asked):
        own = [g for g in groups if _in(g, part)]
        if met and own and asks(part) and not any(g in met for g in own):
            yield Verdict(2, f"「{part[:20]}」への答えがありません。")


def _missed(material: Material, asked: str, groups: Sequence[_Group]) -> Iterator[Verdict]:
    """None of the patient's matters is named: wrong when another one is taken up, or when something was asked."""
    opening = next((s for s in material.sentences if not _GREETING.search(s)), "")
    other = next((g for g in words().complaints if _in(g, opening) and not _in(g, material.known)), None)
    word = _in(groups[0], asked)
    if other and groups[0] in words().complaints and not is_question(opening):
        yield Verdict(1, f"患者の「{word}」ではなく「{_in(other, opening)}」の話をしています。")
    elif asks(asked):
        yield Verdict(2, f"患者の「{word}」への答えがありません。")
    elif not (_CARES.search(material.words) and any(map(is_question, material.sentences))):
        yield Verdict(2, f"患者の「{word}」に触れていません。")


def _touches(material: Material, asked: str) -> bool:
    shared = {gram for gram in grams(asked) & grams(material.words) if any("㐀" <= c <= "鿿" for c in gram)}
    return bool(shared) or any(map(is_question, material.sentences)) or bool(_CARES.search(material.words))


def _in(group: _Group, text: str) -> str:
    return next((word for word in group if word in text), "")
