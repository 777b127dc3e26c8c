"""Whether a written reply may be given here, and its words with the facts filled in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pharmacy.domain.catalogue import PATIENT
from pharmacy.models.local.library import Written
from pharmacy.models.local.sheet import MEN, Sheet

LONGEST = 480
"""Characters of a filled reply."""

_BLANK = re.compile(r"{{ ([a-z_.]+) }}")
_ASKED = {
    "pregnancy": "妊娠や授乳の可能性", "allergies": "お薬や食べもののアレルギー",
    "conditions": "治療中のご病気", "medicines": "いま飲んでいるお薬やサプリメント",
}  # fmt: skip
_PRESCRIBED = "医療用"
# A label lists what a formula is for after these words; what stands before describes whom it suits.
_INDICATIONS = re.compile("諸症[:：]|^医療用[:：]?")
_WEAK = re.compile("虚弱|体力(?:が|は)?(?:ない|なし|低|弱)|虚証")
_STRONG = re.compile("体力(?:が|は)?(?:ある|充実)|実証|がっしり")
_FOR_STRONG = re.compile("体力(?:中等度以上|充実)|比較的体力があり")
_FOR_WEAK = re.compile("体力(?:中等度以下|虚弱)|虚弱な")


@dataclass(frozen=True)
class Case:
    """What a reply is chosen for."""

    phase: str
    sheet: Sheet
    product: str | None
    """The product that is meant, when it is clear which."""

    symptom: str = ""
    covers: Sequence[str] = ()
    """The complaint's name, and the words of a labelled use that stand for it."""


def fits(reply: Written, case: Case) -> bool:
    """Whether phase, product and patient allow the reply, its needed facts aside."""
    if case.phase not in reply.phases or (reply.advice and case.sheet.burdens()):
        return False
    if reply.asks and not _unknown_of(reply, case):
        return False
    if reply.product == "covering":
        return _product(reply, case) is not None
    if reply.product == "none":
        return case.product is None
    if any(need.startswith("order.") for need in reply.needs):
        # Several orders leave it open which one is meant; none on record and orders unknown are not the same.
        return len(case.sheet.orders) == 1 or case.sheet.patient("orders") is None
    needs_product = any(need.startswith("product.") for need in reply.needs)
    return not needs_product or (case.product is not None and not _prescribed(reply, case))


def lacking(reply: Written, case: Case) -> list[str]:
    """Return the labels of needed facts that nobody has given."""
    return [*dict.fromkeys(label for need in reply.needs if (label := _lacking(need, reply, case)))]


def filled(reply: Written, case: Case) -> str | None:
    """Return the reply's words, or None when they come out too long."""
    values = _values(reply, case)
    text = _BLANK.sub(lambda blank: values[blank[1]], reply.text)
    return text if len(text) <= LONGEST else None


def _lacking(need: str, reply: Written, case: Case) -> str | None:
    thing, field = need.split(".", 1)
    if thing == "order":
        held = case.sheet.orders[0] if case.sheet.orders else {}
        return None if field in held else f"{PATIENT}.orders" + (f".{field}" if held else "")
    if thing == "product":
        product = _product(reply, case)
        return None if case.sheet.product(product or "", field) else f"{product}.{field}"
    if field == "pregnancy" and (case.sheet.patient("sex") or "").strip().lower() in MEN:
        return None
    return None if case.sheet.patient(field) else f"{PATIENT}.{field}"


def _unknown_of(reply: Written, case: Case) -> list[str]:
    return [need.split(".", 1)[1] for need in reply.asks if _lacking(need, reply, case)]


def _prescribed(reply: Written, case: Case) -> bool:
    """A dose or use from a prescription label was not written for those who buy without one."""
    fields = [need.split(".", 1)[1] for need in reply.needs if need in ("product.dose", "product.use")]
    return any((case.sheet.product(case.product or "", field) or "").startswith(_PRESCRIBED) for field in fields)


def _product(reply: Written, case: Case) -> str | None:
    if reply.product != "covering":
        return case.product
    return next((formula for formula in case.sheet.formulas if _covers(formula, case)), None)


def _covers(formula: str, case: Case) -> bool:
    use = case.sheet.product(formula, "use") or ""
    if use.startswith(_PRESCRIBED) or not _suits(use, case.sheet.patient("constitution") or ""):
        return False
    named = [part for part in _INDICATIONS.split(use)[-1].split("、") if "伴う" not in part]
    return any(word in part for word in case.covers for part in named)


def _suits(use: str, constitution: str) -> bool:
    if _WEAK.search(constitution):
        return not _FOR_STRONG.search(use)
    return not (_STRONG.search(constitution) and _FOR_WEAK.search(use))


def _values(reply: Written, case: Case) -> Mapping[str, str]:
    product = _product(reply, case) or ""
    fields = ("use", "dose", "timing", "cautions", "interactions", "crude_drugs", "price")
    values = {f"product.{field}": case.sheet.product(product, field) or "" for field in fields}
    order = case.sheet.orders[0] if len(case.sheet.orders) == 1 else {}
    values |= {f"order.{key}": value for key, value in order.items()}
    asked = "、".join(_ASKED[field] for field in _unknown_of(reply, case))
    return {**values, "product.formula": product, "symptom": case.symptom, "asked": asked}
