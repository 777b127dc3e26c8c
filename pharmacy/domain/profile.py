"""How much a pharmacy pays for an earlier answer: which calls are begun before it is known that they are needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """Each begins what the one before it does, and more."""

    THRIFTY = "thrifty"
    """Nothing is asked that would not be asked anyway: the generator begins when category and phase are known."""

    QUICK = "quick"
    """The generators of the one or two likeliest categories begin with the message; what is not chosen is given up."""

    QUICKEST = "quickest"
    """A second draft is written beside the first and judged as soon as it is there."""

    @property
    def guesses(self) -> bool:
        """Whether a generator begins before the category is known."""
        return self is not Profile.THRIFTY

    @property
    def spares(self) -> bool:
        """Whether a further draft begins before the last one is judged."""
        return self is Profile.QUICKEST


@dataclass(frozen=True)
class Price:
    """What a profile takes and costs, as shares of what the same flow takes step by step."""

    p50_share: float
    """Of the time within which half of the replies are there; below 1 is faster."""

    p95_share: float
    """The same of 95 of 100 replies."""

    cost_share: float
    """Of the models' cost per message; above 1 is dearer."""


MEASURED: Mapping[Profile, Price] = {
    Profile.THRIFTY: Price(0.80, 0.92, 1.00),
    Profile.QUICK: Price(0.70, 0.88, 1.07),
    Profile.QUICKEST: Price(0.70, 0.58, 1.47),
}
"""By `python -m tests.bench shape`: half a second to the first token, 12 ms a token, a fifth of drafts refused."""
