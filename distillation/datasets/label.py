"""What a record teaches: a label that a pharmacist's decision has given, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class LabelKind(StrEnum):
    """What became of the answer."""

    APPROVED = "approved"
    """A person let it stand as it was: weak evidence."""

    EDITED = "edited"
    REFUSED = "refused"
    REGENERATED = "regenerated"
    """A person had it written again, without saying why."""

    CORRECTED = "corrected"
    """A person set the category or phase."""

    RESCUED = "rescued"
    """The student's answer was turned down in the run, another model's followed, and a person sent that."""

    RESOLVED = "resolved"
    """A person answered a case that was left to people, and let its category stand: weak evidence."""

    ANNOTATED = "annotated"
    """A person looked at it again in LangSmith, and said what it should have been or that it was right."""


@dataclass(frozen=True)
class Label:
    """What is to be learnt from one answer."""

    kind: LabelKind
    target: Mapping[str, Any] | None
    """The answer that should have been given, in the node's schema; None where only the wrong one is known."""

    weak: bool = False
    rejected: Mapping[str, Any] | None = None
    """An answer that a person preferred `target` to, or turned down."""

    supervised: bool = True
    """Whether `target` is to be learnt as the answer; False where it only serves as the better of two."""

    cause: str | None = None
    """What was wrong with an edited draft: a code, or `unknown` where nobody said; None for what was not edited."""

    reason: str | None = None
    """The code of a refusal."""

    passes: Mapping[str, bool] = field(default_factory=dict)
    """For the judge: criterion to whether the pharmacist lets the draft pass; what a decision does not speak of is not
    named."""

    category: str | None = None
    """What the conversation is about by the pharmacist's word, where it is another than the run took it for."""

    of_first: bool = False
    """Whether the question is the node's first in the run, and not its newest."""


class NoLabel(Exception):
    """No pharmacist's decision says what the answer should have been; `why` is a code to count by."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
