"""The shelf: which products a text is about, and which facts of them a category is given."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pharmacy.domain.facts import Fact, FactSheet, Order, Patient, Product

PATIENT = "患者"
DOSE = ".dose"
"""How the label of a product's dose ends."""

MOST_PRODUCTS = 5
"""How many products one reply is given facts of."""


@dataclass(frozen=True)
class Catalogue:
    """All products of one pharmacy, in their order on the shelf."""

    products: tuple[Product, ...]

    def named_in(self, text: str) -> tuple[Product, ...]:
        """Return the products that `text` names, by formula, reading or alias; the longest name wins its place."""
        folded = _folded(text)
        found: list[tuple[int, Product]] = []
        for name, product in self._names:
            if (place := folded.find(name)) >= 0:
                folded = folded.replace(name, "\0" * len(name))
                found.append((place, product))
        return tuple({product.id: product for _, product in sorted(found, key=lambda pair: pair[0])}.values())

    def taken_by(self, patient: Patient) -> tuple[Product, ...]:
        """Return the products of the patient's orders and medicines."""
        words = [order.product for order in patient.orders or ()] + list(patient.medicines or ())
        return self.named_in("\n".join(words))

    def fitting(self, text: str) -> tuple[Product, ...]:
        """Return the products whose labelled use shares most with `text`, the best first."""
        grams = _grams(text)
        scored = [(len(grams & of_use) / (10 + len(of_use)), product) for of_use, product in self._uses]
        return tuple(p for score, p in sorted(scored, key=lambda pair: -pair[0]) if score > 0)

    def about(self, texts: Sequence[str], patient: Patient) -> tuple[Product, ...]:
        """Return the products a reply may need: named lately, else taken, else fitting the words; five at most."""
        for text in reversed(texts):
            if named := self.named_in(text):
                return named[:MOST_PRODUCTS]
        return (self.taken_by(patient) or self.fitting(texts[-1] if texts else ""))[:MOST_PRODUCTS]

    def label_doses(self, texts: Sequence[str], patient: Patient, written: str) -> Mapping[str, str]:
        """Return formula to dose as labelled, of what the reply `written` may be about and of what it names itself."""
        return {p.formula: p.dose for p in (*self.about(texts, patient), *self.named_in(written)) if p.dose}

    def label_doses_shown(self, facts: str, written: str) -> Mapping[str, str]:
        """Return formula to dose, as a prompt's `facts` show it, and as labelled of what `written` names besides.

        Args:
            facts: as `FactSheet.rendered` has them.
        """
        shown = {fact.label.removesuffix(DOSE): fact.value for fact in FactSheet.read(facts).facts
                 if fact.label.endswith(DOSE) and fact.value}  # fmt: skip
        return {product.formula: product.dose for product in self.named_in(written) if product.dose} | shown

    # A shelf is read for every message and hardly ever changes.
    @cached_property
    def _names(self) -> list[tuple[str, Product]]:
        names = ((name, product) for product in self.products for name in _names_of(product))
        return sorted(names, key=lambda pair: -len(pair[0]))

    @cached_property
    def _uses(self) -> list[tuple[frozenset[str], Product]]:
        return [(_grams(product.use), product) for product in self.products if product.use]


def facts_for(wanted: Iterable[str], patient: Patient, products: Sequence[Product]) -> FactSheet:
    """Return the facts that a category's list asks for, unknown ones included.

    Args:
        wanted: `patient.<field>` and `product.<field>`, as the flow file lists them.
    """
    fields = [name.split(".", 1) for name in wanted]
    of_patient = [_patient_fact(patient, field) for thing, field in fields if thing == "patient"]
    of_products = [_product_fact(p, field) for p in products for thing, field in fields if thing == "product"]
    return FactSheet((*of_patient, *of_products))


def _patient_fact(patient: Patient, field: str) -> Fact:
    value = getattr(patient, field)
    if field == "orders" and value is not None:
        value = tuple(_order_words(order) for order in value)
    return Fact(f"{PATIENT}.{field}", _words(value), "patient record" if value is not None else None)


def _product_fact(product: Product, field: str) -> Fact:
    value = getattr(product, field)
    value = None if value in ((), "") else value  # an empty list of cautions is not known to be none
    source = product.sources.get(field)
    words = f"{value:,}円(税込)" if field == "price" and value is not None else _words(value)
    return Fact(f"{product.formula}.{field}", words, source.source if source else None, source.date if source else None)


def _order_words(order: Order) -> str:
    ships = f"、発送日 {order.ships_on.isoformat()}" if order.ships_on else ""
    return f"注文 {order.id}: {order.product}、状態 {order.state}{ships}"


def _words(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, tuple):
        return "、".join(str(part) for part in value) or "なし"
    return str(value)


def _names_of(product: Product) -> Iterator[str]:
    for name in (product.formula, product.reading, *product.aliases):
        if name and len(name) > 1:
            yield _folded(name)


# Katakana to hiragana, so that カッコントウ, ｶｯｺﾝﾄｳ and かっこんとう are one name.
_TO_HIRAGANA: Mapping[int, int] = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_TO_HIRAGANA).lower()


def _grams(text: str | None) -> frozenset[str]:
    # Pairs that hold a kanji or kana word; particles alone would make every product fit every text.
    folded = unicodedata.normalize("NFKC", text or "")
    pairs = (folded[i : i + 2] for i in range(len(folded) - 1))
    return frozenset(pair for pair in pairs if any("㐀" <= c <= "鿿" or "ァ" <= c <= "ヴ" for c in pair))
