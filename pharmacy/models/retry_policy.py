"""How often and how patiently one model is tried for one call."""

import random
from dataclasses import dataclass

from pharmacy.models.tried import Failure


@dataclass(frozen=True)
class RetryPolicy:
    """The only retries there are: the SDK's and the graph's are off."""

    attempts: int = 2
    first_wait_seconds: float = 0.5
    """Doubled for each further wait, then shortened or lengthened by up to a half at random."""

    longest_wait_seconds: float = 60.0
    """A provider that asks for more is given up at once."""

    def wait_seconds(self, failure: Failure, attempt: int) -> float:
        """Return how long to wait after the `attempt`-th try, counted from 1."""
        if failure.wait_seconds is not None:
            return failure.wait_seconds
        doubled: float = self.first_wait_seconds * 2 ** (attempt - 1)
        return doubled * random.uniform(0.5, 1.5)  # noqa: S311  # no secret
