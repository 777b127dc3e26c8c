"""The shipped fixed texts as a pharmacy has them that has approved every one, and hours that never close."""

from pathlib import Path

from pharmacy.settings import Settings


def approved(folder: Path) -> Path:
    """Return a copy of the shipped file in `folder` with each text approved."""
    words = Settings().fixed_texts_file.read_text(encoding="utf-8")
    words = words.replace('approved_by = ""', 'approved_by = "薬剤師 山田"')
    file = folder / "fixed_texts.toml"
    file.write_text(words.replace('approved_on = ""', 'approved_on = "2026-11-01"'), encoding="utf-8")
    return file


def hours(folder: Path, *, always_open: bool, urgent_hours: float = 2.0) -> Path:
    """Return a file of hours in `folder`: round the clock, or one minute a week that no test runs in."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    span = "00:00-23:59:59.999999" if always_open else "00:00-00:00:00.000001"
    lines = [f'{day} = ["{span}"]' for day in days]
    head = f'[hours]\ntime_zone = "Asia/Tokyo"\npublic_holidays = false\nurgent_hours = {urgent_hours}\n'
    file = folder / "business_hours.toml"
    file.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return file
