"""A moment as it is kept: in UTC, whatever offset it was told with."""

from datetime import UTC, datetime


def in_utc(when: datetime) -> datetime:
    """Return the same moment in UTC: PostgreSQL takes no offset of 16 hours or more, which ISO 8601 can write.

    Args:
        when: with its offset.

    Raises:
        ValueError: it has none, or lies outside the years 1 to 9999 in UTC.
    """
    if when.tzinfo is None:
        raise ValueError(f"{when.isoformat()}: expected a time with its offset")
    try:
        return when.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{when.isoformat()}: expected a time between the years 1 and 9999 in UTC") from error
