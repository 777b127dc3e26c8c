"""From where on a learnt reply counts as near enough to a question: tried on questions and matters left out."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from pharmacy.domain.share import Share
from pharmacy.models.local.offering import Case
from pharmacy.models.local.reply_book import Confidence
from pharmacy.models.local.reply_student import Nearest, ReplyStudent
from pharmacy.models.local.task import Task

Asked = tuple[Task, Case, int]
"""A question, what a reply to it was chosen for, and the matter that it is of."""

PRECISION = 0.9
"""The share of given replies that must be of the matter that the pharmacist answered, on questions left out."""

UNSEEN = 0.2
"""The share of questions to come that are of no learnt matter, at least; more where many matters were met but once.

Source of the latter: I. J. Good, "The Population Frequencies of Species and the Estimation of Population Parameters"
(1953).
"""

LEAST = 10
"""Replies given to questions left out, below which nothing is known of how right they are."""

LOWEST = 0.8
"""What that share must be at least as far as so few questions can tell, so that no lucky few set the threshold."""

_ONE_IN_TEN = 1.2816
"""Standard deviations below which one draw in ten falls."""

NEVER = 1.01
_STEPS = np.arange(0.30, 1.0, 0.01).round(2).tolist()


def calibrated(student: ReplyStudent, asked: Sequence[Asked]) -> dict[str, object]:
    """Return the card's curve, threshold and figures, as questions left out in turn give them."""
    found, strange = [], []
    for at, (task, case, matter) in enumerate(asked):
        likeness = student.likeness(task, without=at)
        if (near := student.nearest(task, case, likeness)) is not None:
            found.append((near, near.matter == matter))
        # With its whole matter left out, whatever is given to a question is wrong: so much for what nobody asked yet.
        if (near := student.nearest(task, case, likeness, unlearnt=matter)) is not None:
            strange.append((near, False))
    none: dict[str, object] = {"cross_validated": {"answered": 0.0, "right": 0.0}}
    if len({right for _, right in [*found, *strange]}) < 2:
        return none
    curve = _curve([*found, *strange])
    sure = [(curve.of(near.likeness, near.lead), right) for near, right in found]
    unsure = [curve.of(near.likeness, near.lead) for near, _ in strange]
    many = Counter(matter for *_, matter in asked).values()
    unseen = max(UNSEEN, sum(one == 1 for one in many) / len(asked))
    for threshold in _STEPS:
        given = [right for confidence, right in sure if confidence >= threshold]
        astray = sum(confidence >= threshold for confidence in unsure) * unseen / (1 - unseen)
        right = sum(given) / (len(given) + astray) if given else 0.0
        at_least, _ = Share(sum(given), len(given)).within(_ONE_IN_TEN)
        if len(given) >= LEAST and right >= PRECISION and at_least >= LOWEST:
            figures = {"answered": round(len(given) / len(asked), 4), "right": round(right, 4)}
            return {"confidence": curve, "threshold": float(threshold), "cross_validated": figures}
    return none | {"confidence": curve}


def _curve(found: Sequence[tuple[Nearest, bool]]) -> Confidence:
    model = LogisticRegression(C=100.0).fit([[near.likeness, near.lead] for near, _ in found], [r for _, r in found])
    (likeness, lead), bias = model.coef_[0], model.intercept_[0]
    return Confidence(bias=round(bias, 3), of_likeness=round(likeness, 3), of_lead=round(lead, 3))
