"""Stop calling an endpoint that is down: open after failures in a row, then one probe at a time."""

import logging
from collections.abc import Callable
from enum import Enum

FAILURES_TO_OPEN = 5
SECONDS_BETWEEN_PROBES = 15.0
_log = logging.getLogger(__name__)


class Health(Enum):
    """What one call says of its endpoint."""

    ALIVE = "alive"
    """It answered, whatever the answer was worth."""

    FAILED = "failed"
    """It is down, too slow, or answers what is no completion."""

    REFUSED = "refused"
    """It will not serve us until a person acts: key, permission, quota."""

    UNTOLD = "untold"
    """Nothing can be said: we gave up first, or were asked to wait."""


class Breaker:
    """The state of one endpoint, in one process."""

    def __init__(self, endpoint: str, clock: Callable[[], float]) -> None:
        """Start closed; `clock` gives monotonic seconds."""
        self._endpoint = endpoint
        self._clock = clock
        self._failures = 0
        self._last_try: float | None = None
        """When it opened or last let a probe through; None while closed."""

    @property
    def is_open(self) -> bool:
        """True while only probes may pass."""
        return self._last_try is not None

    def admits(self) -> bool:
        """Return whether a call may be made now; while open, that call is the probe."""
        if self._last_try is None:
            return True
        if self._clock() - self._last_try < SECONDS_BETWEEN_PROBES:
            return False
        self._last_try = self._clock()
        return True

    def note(self, health: Health) -> None:
        """Take in what a call showed."""
        if health is Health.ALIVE:
            if self.is_open:
                _log.warning("breaker_closed endpoint=%s", self._endpoint)
            self._failures, self._last_try = 0, None
        elif health is not Health.UNTOLD:
            self._failures += 1
            if health is Health.REFUSED or self._failures >= FAILURES_TO_OPEN:
                self._open(health)

    def _open(self, health: Health) -> None:
        if not self.is_open:
            _log.error("breaker_opened endpoint=%s reason=%s failures=%d", self._endpoint, health.value, self._failures)
        self._last_try = self._clock() if self._last_try is None else self._last_try
