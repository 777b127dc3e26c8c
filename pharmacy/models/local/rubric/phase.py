"""Phase fit: the draft does what this phase is for, and nothing that belongs to another."""

import re
from collections.abc import Iterator

from pharmacy.models.local.rubric.material import Material, Verdict, is_question, words, worst

_OFFERS = re.compile("おすすめ|お勧め|候補|合いそう|合うと思|いかがでしょう|ご提案|よさそう|ぴったり|試して|お試し")
_SELLS = re.compile(
    "ご注文(?:くだ|いただ|はこちら|をお待ち)|ご購入(?:くだ|いただ|はこちら|をお待ち|ください)|お買い求め|かーと|今なら|ご検討ください"
)
_ADVISES_A_PRODUCT = re.compile(
    "(?:おすすめ|お勧め)の(?:漢方|商品|お薬)|(?:漢方|商品)[^。受]{0,16}(?:おすすめ|お勧め)(?:です|し)"
)
_DOCTOR = re.compile("受診|医療機関|病院|119|救急")


def phase_fit(material: Material) -> Verdict:
    """Return the mark for the phase: 1 for a product offered before anything was asked, 2 for another phase's work."""
    rules = {"intake": _intake, "proposal": _proposal, "purchase": _purchase, "taking": _taking}
    found = rules[material.phase](material) if material.phase in rules else ()
    return worst(found, Verdict(5, "いまの段階の仕事をしています。"))


def _intake(material: Material) -> Iterator[Verdict]:
    own = [f for f in material.formulas if f not in material.told_formulas]
    if own and _OFFERS.search(material.words):
        yield Verdict(1, f"聞き取りの段階で「{own[0]}」をすすめています。")
    elif own and material.category == "symptom_consultation":
        yield Verdict(2, f"聞き取りの段階で、患者の挙げていない「{own[0]}」を持ち出しています。")
    elif material.category == "symptom_consultation" and _ADVISES_A_PRODUCT.search(material.words):
        yield Verdict(2, "聞き取りの前にすすめています。")
    if _SELLS.search(material.words) and material.category != "order_delivery":
        yield Verdict(2, "聞き取りの段階で購入へ進めています。")
    complains = any(word in material.asked for group in words().complaints for word in group)
    asks = any(map(is_question, material.sentences))
    if material.category == "symptom_consultation" and complains and not asks and not _DOCTOR.search(material.words):
        yield Verdict(2, "聞き取りの段階なのに、何もたずねていません。")


def _proposal(material: Material) -> Iterator[Verdict]:
    if re.search("今すぐ|お急ぎください|今なら|早めにご(?:注文|購入)|本日中に", material.words):
        yield Verdict(2, "決めるのを急かしています。")
    if re.search("飲み始めてから(?:の様子|いかが)|飲んでみていかが|経過はいかが", material.words):
        yield Verdict(2, "まだ飲んでいない人に、飲んでからの経過をたずねています。")


def _purchase(material: Material) -> Iterator[Verdict]:
    other = [f for f in material.formulas if f not in material.told_formulas and f not in _ordered(material)]
    if other and _OFFERS.search(material.words):
        yield Verdict(2, f"購入の段階で、新しく「{other[0]}」をすすめています。")
    if material.category == "order_delivery" and re.search("症状はいつごろ|体質を(?:教え|聞)", material.words):
        yield Verdict(2, "手続きの用件に、聞き取りを始めています。")


def _taking(material: Material) -> Iterator[Verdict]:
    other = [f for f in material.formulas if f not in material.told_formulas and f not in _ordered(material)]
    if other and _OFFERS.search(material.words):
        yield Verdict(2, f"服用中の人に、新しく「{other[0]}」をすすめています。")
    if _SELLS.search(material.words) and material.category != "order_delivery":
        yield Verdict(2, "服用中の経過の話で、購入をすすめています。")
    if material.category == "follow_up" and re.search("まだ飲(?:まれ|んで)いない|飲み始める前に体質", material.words):
        yield Verdict(2, "服用中の人を、まだ飲んでいない人として扱っています。")


def _ordered(material: Material) -> frozenset[str]:
    return frozenset(order["product"] for order in material.sheet.orders)
