"""Until when a conversation is set aside: the times that a pharmacist can choose from, and one of their own."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pharmacy.domain.business_hours import BusinessHours

AN_HOUR = timedelta(hours=1)


def times(hours: BusinessHours, now: datetime) -> Mapping[str, datetime]:
    """Return what each choice means at the aware time `now`, by the pharmacy's clock.

    `hour`: in an hour; `opening`: when the door next opens; `week`: when it first opens in the next week, from Monday.
    """
    local = now.astimezone(hours.zone)
    monday = datetime.combine(local.date() + timedelta(days=7 - local.weekday()), datetime.min.time(), hours.zone)
    return {"hour": local + AN_HOUR, "opening": hours.opens_after(now), "week": hours.opens_after(monday)}


def own_time(hours: BusinessHours, said: str) -> datetime:
    """Return the date and time that somebody wrote, by the pharmacy's clock.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(said).replace(tzinfo=hours.zone)
