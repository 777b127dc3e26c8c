"""Accuracy: every number, time, product, ingredient and deed in a draft must stand in the facts or the conversation."""

import re
from collections.abc import Iterator

from pharmacy.domain.products.read import shipped
from pharmacy.models.local.rubric.figures import figures
from pharmacy.models.local.rubric.material import Material, Verdict, is_question, words, worst
from pharmacy.models.local.wording import folded

_GRAVE_UNITS = frozenset({"円", "回", "包", "錠", "丸", "g", "mg", "ml", "月", "日", "%", "粒"})
_MEALS = "食前|食後|食間|空腹時|就寝前|寝る前|毎食"
_MEAL = re.compile(
    f"({_MEALS})(?=に(?:飲|服用|お飲み)|か(?:{_MEALS})|または|又は|が(?:目安|基本|おすすめ|よい)|」?に飲む|」?と(?:され|あり|表示|書か)|の服用|で(?:す|お願)|[、,])"
)
_DONE = re.compile(
    "(?:変更|きゃんせる|取り消し|取消|解約|返金|手配|登録|発送|休止|再開|予約|手続き)(?:を|は|の手続きを)?"
    "(?:(?:いた)?しました|(?:いた)?しておきました|済み|完了|承りました|できました)"
)
_PROMISED = re.compile(
    "返金(?:いた)?します|(?:本日|明日|翌日|即日|今週中|来週).{0,6}(?:届|発送|到着|お送り)|送料(?:は)?無料|無料で|割引|くーぽん|ぽいんと(?:が|を)"
    "|在庫(?:は|が)(?:あり|ござ|十分)|必着|間に合います|届きます(?!か)|お届けします|特別価格|おまけ"
)
_WEEKDAY = re.compile("[月火水木金土日]曜")
_CONTAINS = re.compile(
    "([一-龥ぁ-んー]{2,8}?)(?:は|が|も)(?:入って|含まれて|使われて|使って)(?:い|お)(?:ませ|ら|ま|る|な)"
)
_USED_FOR = re.compile("用いられ|使われ|対象|効能|向く|向いて|合いそう|候補")
_RAW = re.compile(r"{{|}}|(?<!ご)不明|\[[^\]]+\.[a-z_]+\]|none|null")


def accuracy(material: Material) -> Verdict:
    """Return the mark for accuracy, 1 for anything made up that may do harm."""
    found = (
        *_figures(material), *_meals(material), *_products(material), *_drugs(material), *_uses(material),
        *_deeds(material), *_raw(material),
    )  # fmt: skip
    return worst(found, Verdict(5, "数字・時間・商品・手続きのどれも、渡された事実か会話にあります。"))


def _figures(material: Material) -> Iterator[Verdict]:
    allowed = figures(material.known)
    for value, unit in sorted(figures(material.words) - allowed):
        grave = unit in _GRAVE_UNITS
        yield Verdict(1 if grave else 2, f"「{value}{unit}」は、渡された事実にも会話にもありません。")


def _meals(material: Material) -> Iterator[Verdict]:
    said = {found[1] for s in material.sentences if not is_question(s) for found in _MEAL.finditer(s)}
    if not said:
        return
    products = material.formulas or material.sheet.formulas
    given = "".join(material.sheet.product(f, field) or "" for f in products for field in ("timing", "dose"))
    for word in sorted(said):
        if word not in given:
            yield Verdict(1, f"飲む時間の「{word}」は、渡された事実にありません。")


def _products(material: Material) -> Iterator[Verdict]:
    ordered = {order["product"] for order in material.sheet.orders}
    for formula in material.formulas:
        if formula not in material.sheet.formulas and formula not in material.told_formulas | ordered:
            yield Verdict(1, f"「{formula}」は、渡された事実にも会話にもない商品です。")


def _drugs(material: Material) -> Iterator[Verdict]:
    bare = material.words
    for formula in sorted(material.formulas, key=len, reverse=True):
        bare = bare.replace(folded(formula), "")
    kana = {folded(drug) for body in shipped().values() for drug in body.get("crude_drugs", ()) if len(drug) > 3}
    for kanji, reading in (*words().crude_drugs, *((drug, drug) for drug in kana)):
        if (kanji in bare or (len(reading) > 4 and reading in bare)) and not {kanji, reading} & _listed(material):
            yield Verdict(1, f"生薬「{kanji}」は、渡された事実にありません。")


def _listed(material: Material) -> frozenset[str]:
    text = material.known
    return frozenset(word for pair in words().crude_drugs for word in pair if set(pair) & _in(text, pair)) | frozenset(
        drug for drug in re.split("[、 ]", text) if drug
    )


def _in(text: str, pair: tuple[str, str]) -> set[str]:
    return {word for word in pair if word in text}


def _uses(material: Material) -> Iterator[Verdict]:
    about: list[str] = []
    for sentence in material.sentences:
        # A sentence without a name goes on about the product named last.
        about = [f for f in material.formulas if folded(f) in sentence] or about
        if not about or not _USED_FOR.search(sentence):
            continue
        use = "".join(folded(material.sheet.product(f, "use") or "") for f in about)
        if not use and not is_question(sentence):
            yield Verdict(1, f"{about[0]}の効能は渡されていないのに、何に用いるかを述べています。")
        elif wrong := next((g for g in words().complaints if _any(g, sentence) and not _any(g, use)), None):
            yield Verdict(2, f"「{_any(wrong, sentence)}」は、{about[0]}の効能にありません。")


def _deeds(material: Material) -> Iterator[Verdict]:
    for sentence in material.sentences:
        if is_question(sentence):
            continue
        for pattern, what in ((_DONE, "手続きを済ませたこと"), (_PROMISED, "約束"), (_WEEKDAY, "曜日")):
            if (found := pattern.search(sentence)) and found.group() not in material.known:
                yield Verdict(1, f"「{found.group()}」という{what}は、渡された事実にありません。")
        if (
            (held := _CONTAINS.search(sentence))
            and held[1] not in material.facts
            and held[1] not in folded(material.facts)
        ):
            yield Verdict(2, f"「{held.group()}」と言える成分の事実がありません。")


def _raw(material: Material) -> Iterator[Verdict]:
    if found := _RAW.search(material.words):
        yield Verdict(1, f"「{found.group()}」という、患者に見せる言葉でないものが残っています。")


def _any(group: tuple[str, ...], text: str) -> str:
    return next((word for word in group if word in text), "")
