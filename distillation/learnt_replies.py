"""Make a book of learnt replies: one entry for each wording, and from where on a question counts as near enough."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression

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
from pharmacy.models.local.reply_student import Nearest, ReplyStudent, unanswerable
from pharmacy.models.local.task import Task
from pharmacy.models.local.wording import grams

PRECISION = 0.9
"""The share of given replies that must be of the matter that the pharmacist answered, on questions left out."""

ALIKE = 0.6
"""Of two replies' n-grams, the share in common from which on one would have done for the other."""

LEAST = 10
"""Replies given to questions left out, below which nothing is known of how right they are."""

LOWEST = 0.8
"""What that share must be at least as far as so few questions can tell, so that no lucky few set the threshold."""

NEVER = 1.01
_UNSURE = Confidence(bias=-20.0, of_likeness=0.0, of_lead=0.0)
_STEPS = np.arange(0.30, 1.0, 0.01).round(2).tolist()


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
    return replace(made, card=card.model_copy(update=_calibrated(ReplyStudent(made), ordered, matters)))


def _merged(rows: Sequence[Learnt]) -> list[LearntReply]:
    """Return each wording once, with its matter; what several were sent for is what it may be given for."""
    together: dict[str, list[LearntReply]] = {}
    for row in rows:
        together.setdefault(row.reply.text, []).append(row.reply)
    often_first = sorted(together.values(), key=lambda replies: (-len(replies), replies[0].text))
    heads: list[set[str]] = []
    found = []
    for replies in often_first:
        held = grams(replies[0].text)
        matter = next((at for at, head in enumerate(heads) if _alike(head, held)), len(heads))
        heads += [held] if matter == len(heads) else []
        found.append(_joined(replies, matter))
    return found


def _alike(one: set[str], other: set[str]) -> bool:
    return len(one & other) >= ALIKE * max(len(one), len(other))


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


def _calibrated(student: ReplyStudent, rows: Sequence[Learnt], matters: Sequence[int]) -> dict[str, object]:
    """Return the card's curve, threshold and figures, as questions left out in turn give them."""
    tried = [student.nearest(row.sent.task, row.sent.case, without=at) for at, row in enumerate(rows)]
    found = [(near, near.matter == matter) for near, matter in zip(tried, matters, strict=True) if near is not None]
    none: dict[str, object] = {"cross_validated": {"answered": 0.0, "right": 0.0}}
    if len({right for _, right in found}) < 2:
        return none
    curve = _curve(found)
    sure = [(curve.of(near.likeness, near.lead), right) for near, right in found]
    for threshold in _STEPS:
        given = [right for confidence, right in sure if confidence >= threshold]
        if len(given) >= LEAST and np.mean(given) >= PRECISION and _at_least(given) >= LOWEST:
            figures = {"answered": round(len(given) / len(rows), 4), "right": round(float(np.mean(given)), 4)}
            return {"confidence": curve, "threshold": float(threshold), "cross_validated": figures}
    return none | {"confidence": curve}


def _at_least(given: Sequence[bool]) -> float:
    """Return the lower bound of the share of true ones at one-sided 90%, 0 to 1.

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927).
    """
    count, share, z = len(given), float(np.mean(given)), 1.2816
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (share + z * z / (2 * count) - spread) / (1 + z * z / count)


def _curve(found: Sequence[tuple[Nearest, bool]]) -> Confidence:
    model = LogisticRegression(C=100.0).fit([[near.likeness, near.lead] for near, _ in found], [r for _, r in found])
    (likeness, lead), bias = model.coef_[0], model.intercept_[0]
    return Confidence(bias=round(bias, 3), of_likeness=round(likeness, 3), of_lead=round(lead, 3))
