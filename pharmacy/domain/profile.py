"""How much a pharmacy pays for an earlier answer: which calls are begun before it is known that they are needed."""

from enum import StrEnum


class Profile(StrEnum):
    """Each begins what the one before it does, and more."""

    THRIFTY = "thrifty"
    """Nothing is asked that would not be asked anyway: the generator begins when category and phase are known."""

    QUICK = "quick"
    """The likeliest category's generator begins with the message; it is given up where another category is chosen."""

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
