"""The facts a reply may rest on: patients, products, and the sheet that generator and judge both see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Self

UNKNOWN = "不明"


@dataclass(frozen=True)
class Fact:
    """One labelled fact; a value of None says that nobody has given it."""

    label: str
    """`葛根湯.timing`, `患者.pregnancy`: the thing, a dot, the field."""

    value: str | None
    source: str | None = None
    date: str | None = None
    """ISO date of the source."""


@dataclass(frozen=True)
class FactSheet:
    """The facts that code picked for one reply, in the order they are shown."""

    facts: tuple[Fact, ...] = ()

    @property
    def unknown(self) -> frozenset[str]:
        """Labels whose value nobody has given."""
        return frozenset(fact.label for fact in self.facts if fact.value is None)

    def rendered(self) -> str:
        """Return one line per fact: `[label] value`, an unknown one as `[label] 不明`."""
        return "\n".join(f"[{fact.label}] {_one_line(fact.value)}" for fact in self.facts) or "(なし)"

    @classmethod
    def read(cls, rendered: str) -> Self:
        """Return the sheet that `rendered` shows, without sources; the inverse that local models read by."""
        pairs = (line[1:].split("] ", 1) for line in rendered.splitlines() if line.startswith("[") and "] " in line)
        return cls(tuple(Fact(label, None if value == UNKNOWN else value) for label, value in pairs))


@dataclass(frozen=True)
class Product:
    """One formula on the shelf. Any field may be unknown: None, or an empty tuple."""

    id: str
    formula: str
    reading: str | None = None
    aliases: tuple[str, ...] = ()
    crude_drugs: tuple[str, ...] = ()
    use: str | None = None
    dose: str | None = None
    timing: str | None = None
    cautions: tuple[str, ...] = ()
    interactions: tuple[str, ...] = ()
    price: int | None = None
    """Yen, tax included."""

    sources: Mapping[str, "Source"] = field(default_factory=dict)
    """Field name to where its value is published."""


@dataclass(frozen=True)
class Source:
    """Where a fact is published, and the date it was published or read."""

    source: str
    date: str


@dataclass(frozen=True)
class Order:
    """One order of a patient."""

    id: str
    product: str
    state: str
    ships_on: date | None = None


@dataclass(frozen=True)
class Consent:
    """What the patient agreed to; None is unknown."""

    replies: bool | None = None
    training: bool | None = None


@dataclass(frozen=True)
class Patient:
    """One patient; None is unknown, an empty tuple is a known nothing."""

    id: str
    name: str | None = None
    birth_year: int | None = None
    sex: str | None = None
    pregnancy: str | None = None
    """`pregnant`, `possible`, `breastfeeding`, `none`, or unknown."""

    allergies: tuple[str, ...] | None = None
    conditions: tuple[str, ...] | None = None
    medicines: tuple[str, ...] | None = None
    constitution: str | None = None
    consent: Consent = Consent()
    orders: tuple[Order, ...] | None = None


def _one_line(value: str | None) -> str:
    return UNKNOWN if value is None else " ".join(value.split()).replace("<", "＜").replace(">", "＞")
