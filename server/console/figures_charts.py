"""What the three charts are drawn from: one value for each day and line; a day without one is a gap."""

from typing import Any

from server.console.languages import Language
from server.figures_told import PharmacyFiguresOut


def charts_of(found: PharmacyFiguresOut, language: Language) -> dict[str, Any]:
    """Return the days' names, the days on which something changed, and each chart's lines, ready for the page."""
    days = found.by_day
    changed = sorted({change.day for change in found.changes})
    said = [day.messages for day in days]
    return {
        "language": language.name,
        "days": [language.date(one.day) for one in days],
        "short": [f"{one.day.month}/{one.day.day}" for one in days],
        "changes": [[(day - found.first).days, number] for number, day in enumerate(changed, start=1)],
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
