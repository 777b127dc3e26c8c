"""Make patients' messages of which the right answer is known: the same seed gives the same messages."""

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.domain.products.read import product_from, shipped

WORDINGS = Path(__file__).with_name("wordings.toml")
USAGE = "product_usage"
SHARES: Mapping[str, float] = {
    USAGE: 0.80, "pharmacist_only": 0.11, "order_delivery": 0.04, "follow_up": 0.02, "symptom_consultation": 0.03
}  # fmt: skip
"""Of all messages; enough of each for the plans of `classify` and `generate_product_usage` in one run."""

EVEN: Mapping[str, float] = {
    USAGE: 0.5, "pharmacist_only": 0.14, "order_delivery": 0.14, "follow_up": 0.1, "symptom_consultation": 0.12
}  # fmt: skip
"""For a small run: enough of the rare ones to learn from at all."""

FACTS = ("timing", "dose", "use", "crude_drugs", "cautions", "interactions")
_MOST = 4
"""Messages of one conversation."""

_BEFORE, _AFTER = 0.9, 0.6
"""How many messages have a sentence before and after the question."""


@dataclass(frozen=True)
class Message:
    """One message with what is true of it."""

    kind: str
    text: str
    category: str
    must: tuple[str, ...] = ()
    """What a right reply holds; empty where no reply of a machine is looked for."""

    reply: str | None = None
    """A right reply."""

    def takes(self, draft: str) -> bool:
        """Whether `draft` may be sent as it is."""
        return bool(self.must) and all(words in draft for words in self.must)


@dataclass(frozen=True)
class Talk:
    """One patient's conversation."""

    id: str
    patient: Mapping[str, Any]
    messages: tuple[Message, ...]
    canaries: tuple[str, ...] = ()
    """What only this patient could have written: must stand in no exported file."""


def talks(seed: int, first: int, count: int, shares: Mapping[str, float] = SHARES) -> Iterator[Talk]:
    """Give `count` conversations of 1 to 4 messages, from number `first` on; each depends on its number alone."""
    for number in range(first, first + count):
        yield _talk(random.Random(f"{seed}/{number}"), f"c{seed}-{number}", shares)


def _talk(draw: random.Random, name: str, shares: Mapping[str, float]) -> Talk:
    product = draw.choice(_products())
    person = _person(draw, name)
    many = draw.choices(range(1, _MOST + 1), (4, 3, 2, 1))[0]
    said: list[Message] = []
    while len(said) < many:
        message = _message(draw, product, draw.choices([*shares], [*shares.values()])[0])
        if all(message.kind != one.kind for one in said):
            said.append(message)
    return Talk(name, person.profile, (_with_person(draw, said[0], person), *said[1:]), person.canaries)


@dataclass(frozen=True)
class _Person:
    profile: Mapping[str, Any]
    canaries: tuple[str, ...]
    introduces: str


def _person(draw: random.Random, name: str) -> _Person:
    """Return a patient; one in twelve says in their first message who they are, which must not be learnt."""
    consents = draw.random() < 0.98
    profile = {"id": f"p-{name}", "consent": {"replies": True, "training": consents}}
    if draw.random() >= 1 / 12:
        return _Person(profile, (), "")
    surname, given = (
        draw.choice(("榊原", "五十嵐", "長谷部", "小鳥遊", "東海林")),
        draw.choice(("真由美", "健太郎", "沙也加")),
    )
    phone = f"090-{draw.randrange(1000, 9999)}-{draw.randrange(1000, 9999)}"
    mail = f"{draw.choice(('hana', 'ken', 'saya'))}{draw.randrange(10_000)}@example.net"
    said, canary = draw.choice(((f"{surname}{given}と申します。", f"{surname}{given}"), (f"電話は{phone}です。", phone),
                                (f"メールは{mail}です。", mail)))  # fmt: skip
    return _Person(profile | {"name": f"{surname}{given}"}, (canary,), said)


def _with_person(draw: random.Random, message: Message, person: _Person) -> Message:
    if not person.introduces:
        return message
    return Message(message.kind, f"{person.introduces}{message.text}", message.category, message.must, message.reply)


def _message(draw: random.Random, product: Mapping[str, str], category: str) -> Message:
    words = _words()
    text = ""
    while not text or _recogniser().recognise(text).hits:  # what the gate holds, no model is asked about
        kind = draw.choice([one for one in words["kinds"] if one["category"] == category and _has(product, one)])
        text = _around(draw, draw.choice(kind["asks"]).replace("{p}", product["p"]))
    return _as_message(kind, text, product)


def _around(draw: random.Random, ask: str) -> str:
    """Return `ask` as people write: mostly with a sentence before it or after it."""
    words = _words()
    before = draw.choice(words["befores"]) if draw.random() < _BEFORE else ""
    after = draw.choice(words["afters"]) if draw.random() < _AFTER else ""
    return draw.choice(words["greetings"]) + before + ask + after


def _has(product: Mapping[str, str], kind: Mapping[str, Any]) -> bool:
    return all(product[fact] for fact in FACTS if "{" + fact + "}" in kind.get("reply", ""))


def _filled(text: str, product: Mapping[str, str]) -> str:
    for name, value in product.items():
        text = text.replace("{" + name + "}", value)
    return text


def asked() -> Mapping[str, Message]:
    """Return every question in every wording, about every product it fits, with what is true of it."""
    return {
        text: _as_message(kind, text, product)
        for product in _products() for kind in _words()["kinds"] if _has(product, kind)
        for text in (ask.replace("{p}", product["p"]) for ask in kind["asks"])
    }  # fmt: skip


def _as_message(kind: Mapping[str, Any], text: str, product: Mapping[str, str]) -> Message:
    must = tuple(_filled(one, product) for one in kind.get("must", ()))
    reply = _filled(kind["reply"], product) if "reply" in kind else None
    return Message(kind["name"], text, kind["category"], must, reply)


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads(WORDINGS.read_text(encoding="utf-8"))


@cache
def _products() -> Sequence[Mapping[str, str]]:
    found = []
    for product_id, body in shipped().items():
        product = product_from(product_id, body)
        facts = {name: getattr(product, name) for name in FACTS}
        told = {name: value if isinstance(value, str) else "、".join(value or ()) for name, value in facts.items()}
        if not _recogniser().recognise(f"{product.formula}を飲んでいます。").hits:
            found.append({"p": product.formula, **told})
    return found


@cache
def _recogniser() -> Recogniser:
    return Recogniser.load()
