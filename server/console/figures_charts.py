"""What the three charts are drawn from: one value for each day and line; a day without one is a gap."""

from datetime import date
from typing import Any

from server.console.languages import Language
from server.figures_told import PharmacyFiguresOut


def charts_of(found: PharmacyFiguresOut, language: Language) -> dict[str, Any]:
    """Return the days' names, the days on which something changed, and each chart's lines, ready for the page."""
    days = found.by_day
    said = [day.messages for day in days]
    return {
        "language": language.name,
        "days": [language.date(one.day) for one in days],
        "short": [f"{one.day.month}/{one.day.day}" for one in days],
        "changes": [[(day - found.first).days, number] for day, number in numbered(found).items()],
        "charts": {
            "cost": {
                "unit": "yen",
                "lines": [
                    [one.cost_per_message_yen for one in days],
                    [found.pharmacist_yen_per_message.yen for _ in days],
                ],
            },
            "automation": {"unit": "share", "lines": [[one.automation_share for one in said]]},
            "time": {
                "unit": "seconds",
                "lines": [
                    [one.seconds_pharmacist.median for one in said],
                    [one.seconds_machine.median for one in said],
                    [one.seconds_all.median for one in said],
                ],
            },
        },
    }


def numbered(found: PharmacyFiguresOut) -> dict[date, int]:
    """Return each day on which something changed with the number that it bears in the charts."""
    return {day: number for number, day in enumerate(sorted({change.day for change in found.changes}), start=1)}
