"""A counted share with the interval that its smallness leaves open."""

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class Share:
    """A counted share, 0 to 1."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share itself; 0 of nothing."""
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval, as if each were independent of the others; where they are not, it is too narrow."""
        return self.within(1.96)

    def within(self, z: float) -> tuple[float, float]:
        """Return the interval of `z` standard deviations to either side; 1.96 leave out 5% in all.

        Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927).
        """
        if not self.of:
            return 0.0, 1.0
        middle = (self.value + z * z / (2 * self.of)) / (1 + z * z / self.of)
        reach = z * sqrt(self.value * (1 - self.value) / self.of + z * z / (4 * self.of**2)) / (1 + z * z / self.of)
        return max(0.0, middle - reach), min(1.0, middle + reach)
