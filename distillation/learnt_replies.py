"""Make a book of learnt replies: one entry for each wording, and which of them do for one another."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from distillation.reply_calibration import NEVER, calibrated
from distillation.reply_slots import NotLearnt, Sent, learnt
from pharmacy.domain.errors import NothingFits
from pharmacy.models.local.offering import Case
from pharmacy.models.local.reply_book import (
    BookCard,
    Confidence,
    LearntReply,
    ReplyBook,
    library_fingerprint,
    question_grams,
)
from pharmacy.models.local.reply_student import ReplyStudent, unanswerable
from pharmacy.models.local.task import Task
from pharmacy.models.local.wording import grams

ALIKE = 0.6
"""Of the shorter of two replies' n-grams, the share that the other holds too, from which on one would have done for
the other; they state the same facts besides."""

_Said = tuple[frozenset[str], set[str]]
"""The facts that a reply states, and its n-grams."""

_UNSURE = Confidence(bias=-20.0, of_likeness=0.0, of_lead=0.0)


@dataclass(frozen=True)
class Learnt:
    """One row that may be learnt."""

    sent: Sent
    reply: LearntReply


def sent_of(blanks: Mapping[str, str], reply: str) -> Sent:
    """Return what stood in a row's blanks, with the reply that was sent.

    Raises:
        NotLearnt: no learnt reply may answer such a question.
    """
    task = Task.read(blanks)
    if not reply.strip():
        raise NotLearnt("no_reply")
    if unanswerable(task):
        raise NotLearnt("left_to_people")
    try:
        case = Case(task.phase, task.sheet, task.product_meant())
    except NothingFits:
        raise NotLearnt("several_products") from None
    return Sent(task, case, blanks["facts"], reply.strip())


def learnt_rows(rows: Sequence[tuple[Mapping[str, str], str]]) -> tuple[list[Learnt], Counter[str]]:
    """Return the rows that may be learnt, of blanks and sent reply each; and why how many others may not."""
    found, left_out = [], Counter[str]()
    for blanks, reply in rows:
        try:
            sent = sent_of(blanks, reply)
            found.append(Learnt(sent, learnt(sent)))
        except NotLearnt as error:
            left_out[str(error)] += 1
    return found, left_out


def book(
    node: str, rows: Sequence[Learnt], left_out: Mapping[str, int], rows_fingerprint: str, *, beside_library: bool
) -> ReplyBook:
    """Return the book of `rows`; at least one."""
    replies = _merged(rows)
    matter_of = {reply.text: reply.matter for reply in replies}
    ordered = sorted(rows, key=lambda row: matter_of[row.reply.text])
    held = [sorted(question_grams(row.sent.task.exchange.text, row.sent.task.sheet.formulas)) for row in ordered]
    card = BookCard(
        node=node, beside_library=beside_library, replies=tuple(replies), confidence=_UNSURE, threshold=NEVER,
        left_out=dict(sorted(left_out.items())), rows_fingerprint=rows_fingerprint,
        library_fingerprint=library_fingerprint(), cross_validated={},
    )  # fmt: skip
    matters = [matter_of[row.reply.text] for row in ordered]
    made = ReplyBook(
        card, np.array([gram for grams in held for gram in grams], dtype=np.uint64),
        np.array([len(grams) for grams in held], dtype=np.int32), np.array(matters, dtype=np.int32),
    )  # fmt: skip
    asked = [(row.sent.task, row.sent.case, matter) for row, matter in zip(ordered, matters, strict=True)]
    return replace(made, card=card.model_copy(update=calibrated(ReplyStudent(made), asked)))


def _merged(rows: Sequence[Learnt]) -> list[LearntReply]:
    """Return each wording once, with its matter; what several were sent for is what it may be given for."""
    together: dict[str, list[LearntReply]] = {}
    for row in rows:
        together.setdefault(row.reply.text, []).append(row.reply)
    often_first = sorted(together.values(), key=lambda replies: (-len(replies), replies[0].text))
    heads: list[_Said] = []
    found = []
    for replies in often_first:
        said = frozenset(replies[0].needs), grams(replies[0].text)
        matter = next((at for at, head in enumerate(heads) if _alike(head, said)), len(heads))
        heads += [said] if matter == len(heads) else []
        found.append(_joined(replies, matter))
    return found


def _alike(one: _Said, other: _Said) -> bool:
    # Pharmacists shorten: what they cut to a sentence or two still answers what the whole answered.
    (facts, held), (others, also) = one, other
    return facts == others and len(held & also) >= ALIKE * min(len(held), len(also))


def _joined(replies: Sequence[LearntReply], matter: int) -> LearntReply:
    first = replies[0]
    words = set(first.words).intersection(*(reply.words for reply in replies))
    update = {
        "matter": matter,
        "phases": tuple(sorted({phase for reply in replies for phase in reply.phases})),
        "words": tuple(sorted(words)),
        "formula": _one({reply.formula for reply in replies}),
        "order_state": _one({reply.order_state for reply in replies}),
    }
    return first.model_copy(update=update)


def _one(values: set[str | None]) -> str | None:
    """Return what all agree on; None once two differ, which shows that it does not matter."""
    return next(iter(values)) if len(values) == 1 else None
