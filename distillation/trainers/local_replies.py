"""Fit a student of a generator: a book of the replies that were sent, with blanks in place of facts."""

import json
from collections import Counter

from distillation.learnt_replies import book, learnt_rows
from distillation.reply_calibration import NEVER
from distillation.trainers.fitted import Fitted
from distillation.trainers.port import Order, Told, TrainerRefused
from distillation.trainers.under_prompt import NodePrompt
from nodes.generate import WrittenReply
from pharmacy.settings import Settings


def fit_replies(order: Order, settings: Settings, told: Told) -> Fitted:
    """Return the student of the order's rows.

    Raises:
        ConfigError: a row stands under other words than the node's prompt.
        TrainerRefused: a row's answer is no reply, or no row may be learnt.
    """
    blanks = NodePrompt.of(order.node, settings).check(order.train)
    replies = [_reply(f"{order.train.path}:{at}", row.answer) for at, row in enumerate(order.train.rows, 1)]
    rows, left_out = learnt_rows([*zip(blanks, replies, strict=True)])
    if left_out:
        told(f"{left_out.total()} of {len(replies)} rows are left out: {_counted(left_out)}")
    if not rows:
        raise TrainerRefused(f"{order.train.path}: none of {len(replies)} rows may be learnt: {_counted(left_out)}")
    told(f"learning {len(rows)} replies")
    made = book(
        order.node, rows, left_out, order.train.sha256[:12], beside_library=order.base == f"local:{order.node}"
    )  # fmt: skip
    figures, threshold = made.card.cross_validated, made.card.threshold
    said = f"{len(rows)} of {len(replies)} rows learnt as {len(made.card.replies)} replies"
    if threshold == NEVER:
        return Fitted(made, f"{said}; too few or too unlike: no question is near enough, no learnt reply is given")
    of = f"{figures['answered']:.1%} of questions left out answered, {figures['right']:.1%} of them alike"
    return Fitted(made, f"{said}; {of}, answers from {threshold:.2f} on")


def _reply(place: str, answer: str) -> str:
    try:
        return WrittenReply.model_validate(json.loads(answer)).reply
    except ValueError:
        raise TrainerRefused(f"{place}: the answer is no reply; expected missing_facts and reply") from None


def _counted(left_out: Counter[str]) -> str:
    return ", ".join(f"{why} {count}" for why, count in sorted(left_out.items()))
