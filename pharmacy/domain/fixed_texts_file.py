"""Read the file of fixed texts, and say by line what is wrong in it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pharmacy.domain.business_hours import BusinessHours
from pharmacy.domain.fixed_texts import OPENS, Contact, FixedText, FixedTexts, unapproved
from pharmacy.domain.gates.claims import LintContext, lint
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.gates.rules import CATEGORIES
from pharmacy.domain.toml_file import TomlFile

EMERGENCIES = frozenset(category for category, tier in CATEGORIES.items() if tier is Tier.E)
LONGEST_CHARS = 1_000
_NUMBER = re.compile(r"#?\d[\d-]{1,15}\d")

Problem = tuple[tuple[str, ...], str]
"""Where in the file, and what is wrong there."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Text(_Table):
    use: Literal["emergency", "received", "closed"]
    categories: list[str] = []
    contacts: list[str] = []
    words: str = Field(min_length=1, max_length=LONGEST_CHARS)
    approved_by: str = ""
    approved_on: str = ""


class _Contact(_Table):
    number: Annotated[str, Field(pattern=r"^#?\d[\d-]{1,15}\d$")]
    whose: str = Field(min_length=1)
    source: Annotated[str, Field(pattern=r"^https?://\S+$")]
    read_on: str


class _File(_Table):
    texts: dict[str, _Text]
    contacts: dict[str, _Contact]


def load_fixed_texts(file: Path, hours: BusinessHours, *, emergencies: bool, handovers: bool) -> FixedTexts:
    """Return the texts of `file`.

    Args:
        emergencies: the pharmacy lets the texts for emergencies go out; `handovers` likewise those for other cases.

    Raises:
        ConfigError: names file, line, table, and what was expected; also a text that may go out and that nobody has
            approved.
    """
    toml = TomlFile.read(file)
    read = toml.table((), _File)
    contacts = {name: _contact(toml, name, contact) for name, contact in read.contacts.items()}
    for place, said in _problems(read, contacts):
        raise toml.wrong(place, said)
    texts = {name: _text(toml, name, text) for name, text in read.texts.items()}
    by_category = {category: texts[name] for name, text in read.texts.items() for category in text.categories}
    received, closed = (next(texts[n] for n, t in read.texts.items() if t.use == use) for use in ("received", "closed"))
    allowed = [*by_category.values()] if emergencies else []
    allowed += [received, closed] if handovers else []
    if (lacking := unapproved(allowed)) is not None:
        said = "names nobody who approved it; expected a pharmacist and a day, or KAKARI_..._TEXT off"
        raise toml.wrong(("texts", lacking.name, "approved_by"), said)
    numbers = frozenset(contact.number for contact in contacts.values())
    return FixedTexts(by_category, received, closed, numbers, hours, emergencies, handovers)


def _problems(read: _File, contacts: dict[str, Contact]) -> Iterator[Problem]:
    named: list[str] = []
    for name, text in read.texts.items():
        place = ("texts", name)
        for category in text.categories:
            if text.use != "emergency" or category not in EMERGENCIES or category in named:
                yield (*place, "categories"), f"{category!r}: expected tier E categories, each in one emergency text"
            named.append(category)
        if (text.use == "closed") != (OPENS in text.words):
            yield (*place, "words"), f"expected the blank {OPENS} in the text for closed hours and in no other"
        yield from _contact_problems(place, text, contacts)
    if missing := sorted(EMERGENCIES - set(named)):
        yield ("texts",), f"{missing}: expected one emergency text for each tier E category"
    for use in ("received", "closed"):
        if sum(text.use == use for text in read.texts.values()) != 1:
            yield ("texts",), f"expected exactly one text with use = {use!r}"


def _contact_problems(place: tuple[str, ...], text: _Text, contacts: dict[str, Contact]) -> Iterator[Problem]:
    if unknown := [name for name in text.contacts if name not in contacts]:
        yield (*place, "contacts"), f"{unknown}: expected some of {sorted(contacts)}"
        return
    listed = {contacts[name].number for name in text.contacts}
    # 110 stands in the name of the poison line too: of the plain numbers, only what is dialled is looked at.
    found = _NUMBER.findall(text.words)
    said = {n for n in found if "-" in n or "#" in n or f"{n}番に" in text.words}
    for number in sorted(listed ^ said):
        yield (*place, "words"), f"{number}: expected the text to name its own contacts and no other number"
    sample = text.words.replace(OPENS, "1月4日(月)9時")
    for hit in lint(sample, LintContext(allowed_contacts=frozenset(listed))):
        yield (*place, "words"), f"{hit.matched!r}: the output gate holds it: {hit.reason_ja}"


def _contact(toml: TomlFile, name: str, read: _Contact) -> Contact:
    return Contact(read.number, read.whose, read.source, _day(toml, ("contacts", name, "read_on"), read.read_on))


def _text(toml: TomlFile, name: str, read: _Text) -> FixedText:
    approved = FixedText(name, read.words.strip(), read.approved_by.strip(), None)
    if not read.approved_on:
        return approved
    return replace(approved, approved_on=_day(toml, ("texts", name, "approved_on"), read.approved_on))


def _day(toml: TomlFile, place: tuple[str, ...], said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise toml.wrong(place, f"{said!r}: expected a day such as '2026-01-31'") from None
