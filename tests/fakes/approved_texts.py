"""The shipped fixed texts as a pharmacy has them that has approved every one, and hours that never close."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pharmacy.settings import Settings


def approved(folder: Path) -> Path:
    """Return a copy of the shipped file in `folder` with each text approved."""
    words = Settings().fixed_texts_file.read_text(encoding="utf-8")
    words = words.replace('approved_by = ""', 'approved_by = "薬剤師 山田"')
    file = folder / "fixed_texts.toml"
    file.write_text(words.replace('approved_on = ""', 'approved_on = "2026-11-01"'), encoding="utf-8")
    return file


def hours(folder: Path, *, always_open: bool) -> Path:
    """Return a file of hours in `folder`: round the clock, or two hours a day that are not now."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    away = "20:00-22:00" if 4 < datetime.now(ZoneInfo("Asia/Tokyo")).hour < 14 else "09:00-11:00"
    span = "00:00-23:59:59.999999" if always_open else away
    lines = [f'{day} = ["{span}"]' for day in days]
    head = '[hours]\ntime_zone = "Asia/Tokyo"\npublic_holidays = false\nurgent_hours = 2.0\n'
    file = folder / "business_hours.toml"
    file.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return file
