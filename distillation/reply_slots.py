"""A sent reply with blanks in place of its facts; one that holds more of its patient than that is not learnt."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from pharmacy.domain.catalogue import PATIENT
from pharmacy.domain.facts import UNKNOWN
from pharmacy.models.local.formulas import named
from pharmacy.models.local.guards import complaint_words
from pharmacy.models.local.library import library
from pharmacy.models.local.offering import Case
from pharmacy.models.local.reply_book import LearntReply
from pharmacy.models.local.reply_student import order_state
from pharmacy.models.local.rubric.accuracy import accuracy
from pharmacy.models.local.rubric.figures import figures
from pharmacy.models.local.rubric.material import Material, is_question
from pharmacy.models.local.rubric.safety import gives_advice, safety
from pharmacy.models.local.sheet import NOTHING
from pharmacy.models.local.task import Task
from pharmacy.models.local.wording import folded, sentences
from pharmacy.redaction.redact import Redactor

_FIELDS = ("use", "dose", "timing", "cautions", "interactions", "crude_drugs", "price")
_ORDER_FIELDS = ("id", "state", "ships_on")
_BLANK = re.compile(r"{{ [a-z_.]+ }}")
_HELP_LINES = re.compile(r"#?7119|119")
# Runs that carry a matter: of kanji, or of katakana.
_CONTENT = re.compile("[一-龥々]{2,}|[ァ-ヴー]{3,}")
_ASKS = {"pregnancy": "妊娠|授乳", "allergies": "アレルギー", "conditions": "病気|治療|持病", "medicines": "薬|サプリ"}
_ACCEPTABLE = 3
_REDACTOR = Redactor()


class NotLearnt(Exception):
    """A row's reply may not be given to anybody else: says why, as a code."""


@dataclass(frozen=True)
class Sent:
    """One row: what was asked of a generator, and what was sent."""

    task: Task
    case: Case
    facts: str
    """As its prompt shows them."""

    reply: str


def learnt(sent: Sent) -> LearntReply:
    """Return the reply with its blanks and what it may be given for.

    Raises:
        NotLearnt: it holds a figure, a name or a record that no blank stands for, or may not be sent at all.
    """
    _refuse_unsendable(sent)
    text = _with_blanks(sent)
    rest = _BLANK.sub("", text)
    for why, held in _own_to_patient(sent, rest).items():
        if held:
            raise NotLearnt(why)
    needs = dict.fromkeys(blank[3:-3] for blank in _BLANK.findall(text))
    return LearntReply(
        text=text,
        matter=0,
        phases=(sent.task.phase,),
        formula=sent.case.product or "",
        order_state=order_state(sent.case) if sent.task.category == "order_delivery" else None,
        words=tuple(sorted(_taken_up(sent, rest))),
        needs=tuple(need for need in needs if need != "product.formula"),
        asks=tuple(_asked(sent.reply)),
        advice=gives_advice(folded(sent.reply)),
    )


def _refuse_unsendable(sent: Sent) -> None:
    """Hold the reply against the rubric by its facts alone: what only its conversation bears out is its patient's."""
    blanks = {
        "category": sent.task.category, "phase": sent.task.phase, "facts": sent.facts, "draft": sent.reply,
        "conversation": "",
    }  # fmt: skip
    material = Material.read(blanks)
    for criterion in (safety, accuracy):
        if criterion(material).mark < _ACCEPTABLE:
            raise NotLearnt(criterion.__name__)


def _with_blanks(sent: Sent) -> str:
    if "{{" in sent.reply or "}}" in sent.reply:
        raise NotLearnt("braces")
    values = {value: name for name, value in reversed([*_values(sent)]) if len(value) > 1 and value != UNKNOWN}
    if not values:
        return sent.reply
    longest_first = "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))
    return re.sub(longest_first, lambda found: f"{{{{ {values[found[0]]} }}}}", sent.reply)


def _values(sent: Sent) -> Iterator[tuple[str, str]]:
    case = sent.case
    if case.product:
        yield "product.formula", case.product
        for field in _FIELDS:
            yield f"product.{field}", case.sheet.product(case.product, field) or ""
    if len(case.sheet.orders) == 1:
        for field in _ORDER_FIELDS:
            yield f"order.{field}", case.sheet.orders[0].get(field, "")


def _own_to_patient(sent: Sent, rest: str) -> Mapping[str, bool]:
    """Return, for each reason not to learn a reply, whether what stands beside its blanks gives it."""
    bare = _HELP_LINES.sub("", unicodedata.normalize("NFKC", rest))
    return {
        "name": "〔" in rest or bool(_REDACTOR.find(rest)),
        "figure": bool(re.search(r"\d", bare) or figures(bare)),
        "another_product": bool(named(rest, sent.task.sheet.formulas)),
        "patients_record": any(value in rest for value in _record(sent)),
    }


def _record(sent: Sent) -> Iterator[str]:
    for label, value in sent.task.sheet.values.items():
        of_patient = label.startswith(f"{PATIENT}.") and label != f"{PATIENT}.orders"
        if of_patient and value and value.strip().lower() not in NOTHING:
            yield from (part for part in re.split("[、,。\\s]+", value) if len(part) > 1)
    for order in sent.task.sheet.orders:
        yield from (order[field] for field in _ORDER_FIELDS if field in order)


def _taken_up(sent: Sent, rest: str) -> set[str]:
    """Return the words of a reply that its patient had said: complaints, and what no shipped reply says to anybody."""
    said = folded("\n".join((sent.task.exchange.text, *sent.task.exchange.told)))
    words = {folded(word) for word in _CONTENT.findall(rest)}
    uncommon = {word for word in words if word not in _shipped_words(sent.task.category)}
    return {word for word in uncommon | complaint_words(folded(rest)) if word in said}


@cache
def _shipped_words(category: str) -> str:
    return folded("\n".join(reply.text for entry in library().get(category, ()) for reply in entry.replies))


def _asked(reply: str) -> Iterator[str]:
    """Give the fields of the patient's record that a reply asks for."""
    questions = [sentence for sentence in sentences(reply) if is_question(sentence)]
    for field, words in _ASKS.items():
        if any(re.search(words, question) for question in questions):
            yield f"patient.{field}"
