"""Whether a pharmacy's repeated questions are answered from memory, as a person chose."""

from dataclasses import dataclass
from enum import StrEnum


class Recall(StrEnum):
    """How far memory reaches."""

    OFF = "off"
    EXACT = "exact"
    """The same question in the same words."""

    NEAR = "near"
    """That, and the same question in other words, where the database can compare them."""


@dataclass(frozen=True)
class Caching:
    """What a person chose; the default remembers nothing."""

    recall: Recall = Recall.OFF
    categories: frozenset[str] | None = None
    """Only these; None for every category that the flow file marks cacheable."""

    def covers(self, category: str) -> bool:
        """Return whether questions of a cacheable `category` are answered from memory."""
        return self.recall is not Recall.OFF and (self.categories is None or category in self.categories)
