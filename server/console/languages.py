"""The console's two languages: its words, and how each writes dates, times, money and shares."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_skeleton
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent
from babel.support import Translations
from fastapi import Request

from pharmacy.domain.budget import Rate

CATALOGUES = Path(__file__).parent / "locale"
JAPAN = ZoneInfo("Asia/Tokyo")
DEFAULT = "ja"
NAMES = ("ja", "en")
COOKIE = "kakari_language"


@dataclass(frozen=True)
class Language:
    """One language of the console."""

    name: str
    translations: Translations

    @property
    def locale(self) -> Locale:
        """How it writes numbers and dates."""
        return Locale.parse("ja_JP" if self.name == "ja" else "en_GB")

    def coded(self, family: str, code: str, values: Mapping[str, object] | None = None) -> str:
        """Return the sentence of a code, such as of why a draft was held; a code that nobody knows is shown itself.

        Args:
            values: what its blanks are filled with.
        """
        key = f"{family}:{code}"
        words = self.translations.gettext(key)
        return code if words == key else words % (values or {})

    def moment(self, at: datetime) -> str:
        """Return day and time in Japan."""
        day = format_skeleton("MMMEd", at.astimezone(JAPAN), locale=self.locale)
        return f"{day} {self.clock(at)}"

    def day(self, at: datetime) -> str:
        """Return the day in Japan."""
        return str(format_skeleton("yMMMdE", at.astimezone(JAPAN), locale=self.locale))

    def date(self, day: date) -> str:
        """Return a day of the calendar."""
        return str(format_skeleton("yMMMd", day, locale=self.locale))

    def clock(self, at: datetime) -> str:
        """Return the time of day in Japan."""
        return str(format_datetime(at.astimezone(JAPAN), "HH:mm", locale=self.locale))

    def money(self, usd: float | None, rate: Rate | None = None) -> str:
        """Return a cost, in yen where there is a rate; one that is not known is never 0."""
        if usd is None:
            return self.translations.gettext("unknown")
        if rate is not None:  # a hundredth of a yen and less is told as well: one call costs no more
            yen = usd * rate.yen_per_usd
            return str(format_currency(yen, "JPY", "¤#,##0.00", locale=self.locale, currency_digits=False))
        return str(format_currency(usd, "USD", "¤0.0000", locale=self.locale, currency_digits=False))

    def yen(self, value: float) -> str:
        """Return yen: whole ones from a hundred on, else to the hundredth."""
        form = "¤#,##0" if value >= 100 else "¤#,##0.00"
        return str(format_currency(value, "JPY", form, locale=self.locale, currency_digits=False))

    def fine_money(self, usd: float, rate: Rate | None = None) -> str:
        """Return a cost of less than a cent, to two figures that are not nothing."""
        value, sign = (usd, "$") if rate is None else (usd * rate.yen_per_usd, "¥")
        return f"{sign}{value:.2g}" if 0 < value < 0.001 else self.money(usd, rate)

    def number(self, value: float) -> str:
        """Return a number."""
        return str(format_decimal(value, locale=self.locale))

    def share(self, value: float) -> str:
        """Return a share of 1 in per cent."""
        return str(format_percent(value, locale=self.locale))

    def fine_share(self, value: float) -> str:
        """Return a share of 1 in per cent, to the tenth."""
        return str(format_percent(value, "0.0%", locale=self.locale))

    def change(self, value: float) -> str:
        """Return a difference of two shares in per cent, to the tenth and with its sign."""
        return str(format_percent(value, "+0.0%;-0.0%", locale=self.locale))

    def seconds(self, value: float) -> str:
        """Return how long a step took, to the hundredth of a second."""
        return self.translations.gettext("%(seconds)s s") % {"seconds": self.number(round(value, 2))}

    def took(self, seconds: float) -> str:
        """Return how long something took: seconds while they are few, else as `waited`."""
        few = self.translations.gettext("%(seconds)d s") % {"seconds": round(seconds)}
        return few if seconds < 120 else self.waited(seconds)

    def waited(self, seconds: float) -> str:
        """Return for how long somebody has waited, in its two largest units."""
        minutes = int(seconds // 60)
        hours, days = minutes // 60, minutes // 1440
        text = self.translations.gettext
        if days:
            return text("%(days)d d %(hours)d h") % {"days": days, "hours": hours % 24}
        if hours:
            return text("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes % 60}
        return text("%(minutes)d min") % {"minutes": minutes}


@cache
def language(name: str) -> Language:
    """Return the language of that name, `ja` or `en`.

    Raises:
        ValueError: it is another.
    """
    if name not in NAMES:
        raise ValueError(f"language {name!r}: expected one of {list(NAMES)}")
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(name))
    compiled.seek(0)
    return Language(name, Translations(compiled))


def catalogue(name: str) -> Catalog:
    """Return a language's words as its file has them."""
    with (CATALOGUES / f"{name}.po").open("rb") as file:
        return read_po(file, locale=name, abort_invalid=True)


def language_of(request: Request) -> Language:
    """Return the language that this browser has chosen; Japanese until it does."""
    chosen = request.cookies.get(COOKIE)
    return language(chosen if chosen in NAMES else DEFAULT)
