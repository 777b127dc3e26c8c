"""A fact sheet as the local models use it: fields of products, of the patient, and of the one order."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from pharmacy.domain.catalogue import PATIENT
from pharmacy.domain.facts import FactSheet

NOTHING = frozenset({"なし", "none", "なし。", "無し", "ない"})
"""Values that say of a patient's field that there is nothing to heed."""

MEN = frozenset({"male", "man", "m", "男", "男性"})

_ORDER = re.compile(
    r"注文 (?P<id>\S+?): (?P<product>.+?)、状態 (?P<state>[^、]+)"
    r"(?:、発送日 (?P<ships_on>\d{4}-\d{2}-\d{2}))?"
)
_STATES = {
    "received": "受付済み", "paid": "お支払い済み", "preparing": "発送準備中", "processing": "発送準備中",
    "shipped": "発送済み", "delivered": "お届け済み", "cancelled": "取り消し済み", "canceled": "取り消し済み",
}  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """What is known of patient and products, by label; None is known to be unknown."""

    values: Mapping[str, str | None]
    formulas: tuple[str, ...]
    """Products on the sheet, in its order."""

    orders: tuple[Mapping[str, str], ...]
    """The patient's orders, each with the fields that are given."""

    @classmethod
    def read(cls, rendered: str) -> Self:
        """Return the sheet that a prompt's `facts` blank shows."""
        values = {fact.label: fact.value for fact in FactSheet.read(rendered).facts}
        formulas = dict.fromkeys(label.rsplit(".", 1)[0] for label in values if not label.startswith(f"{PATIENT}."))
        return cls(values, tuple(formulas), tuple(_orders(values.get(f"{PATIENT}.orders") or "")))

    def patient(self, field: str) -> str | None:
        """Return the value of a patient's field; None when it is unknown or not on the sheet."""
        return self.values.get(f"{PATIENT}.{field}")

    def product(self, formula: str, field: str) -> str | None:
        """Return the value of a product's field; None when it is unknown or not on the sheet."""
        return self.values.get(f"{formula}.{field}")

    @property
    def pregnancy(self) -> str | None:
        """The patient's word on pregnancy when it is one to heed."""
        return _heeded(self.patient("pregnancy"))

    def burdens(self) -> tuple[str, ...]:
        """Return what is on record of the patient that advice on taking something must heed."""
        medicines = _heeded(self.patient("medicines")) or ""
        for formula in self.formulas:
            medicines = medicines.replace(formula, "")
        listed = [_heeded(self.patient(field)) for field in ("pregnancy", "conditions", "allergies")]
        return tuple(value for value in (*listed, medicines.strip("、 ")) if value)


def _heeded(value: str | None) -> str | None:
    return None if value is None or value.strip().lower() in NOTHING else value


def _orders(words: str) -> list[Mapping[str, str]]:
    found = ({key: value for key, value in match.groupdict().items() if value} for match in _ORDER.finditer(words))
    return [{**order, **_shown(order)} for order in found]


def _shown(order: Mapping[str, str]) -> Mapping[str, str]:
    shown = {"state": _STATES.get(order["state"].strip().lower(), order["state"])}
    if "ships_on" in order:
        day = date.fromisoformat(order["ships_on"])
        shown["ships_on"] = f"{day.month}月{day.day}日"
    return shown
