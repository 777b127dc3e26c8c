"""Read how long a provider asks us to wait."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the wait that the answer's headers ask for, at least 0; None when they ask for none that makes sense.

    Args:
        headers: names in any case, as the HTTP client gives them.
        now: aware; an HTTP date is counted from it.
    """
    if (wait := _number(headers.get("retry-after-ms"))) is not None:
        return wait / 1000
    asked = headers.get("retry-after")
    if (wait := _number(asked)) is not None:
        return wait
    return _until(asked, now)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


def _until(text: str | None, now: datetime) -> float | None:
    try:
        when = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())
