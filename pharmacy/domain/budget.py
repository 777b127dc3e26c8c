"""Budgets: what one patient, and all of a pharmacy's together, may cost a day and a month, and what was spent."""

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

JAPAN = ZoneInfo("Asia/Tokyo")
"""Where a budget's day begins at midnight."""

_RATE = re.compile(r"(\d{1,5}(?:\.\d{1,4})?) on (\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Spend:
    """Tokens and money, of one call or of a day."""

    tokens: int = 0
    cost_usd: float = 0.0
    guessed_usd: float = 0.0
    """The part of `cost_usd` that counts by estimate, because nobody knows the model's price."""

    def minus(self, other: "Spend") -> "Spend":
        """Return what this is more than `other`; negative where it is less."""
        return Spend(
            self.tokens - other.tokens, self.cost_usd - other.cost_usd, self.guessed_usd - other.guessed_usd
        )  # fmt: skip


@dataclass(frozen=True)
class Reserved:
    """What a call may take at most, already counted as spent."""

    day: datetime
    """The first moment, in Japan, of the day that it counts for."""

    most: Spend


@dataclass(frozen=True)
class Rate:
    """Yen per US dollar, as somebody stated it on a day."""

    yen_per_usd: float
    dated: date

    @classmethod
    def read(cls, text: str) -> "Rate":
        """Return the rate that `text` states, as in `160 on 2026-11-22`.

        Raises:
            ValueError: it is not of that form, or the rate is 0.
        """
        found = _RATE.fullmatch(text.strip())
        if not found or float(found[1]) == 0:
            raise ValueError("expected yen per US dollar and the day it was looked up, as in '160 on 2026-11-22'")
        return cls(float(found[1]), date.fromisoformat(found[2]))

    def yen(self, usd: float) -> int:
        """Return the yen of an amount in US dollars, rounded up."""
        return math.ceil(round(usd * self.yen_per_usd, 6))


@dataclass(frozen=True)
class Cap:
    """Where spending ends; None is without end."""

    tokens: int | None
    yen: int | None

    def __str__(self) -> str:
        """Return both bounds in words."""
        return f"{_told(self.tokens)} tokens and {_told(self.yen)} yen"

    def times(self, part: float) -> "Cap":
        """Return that part of it, 0 to 1."""
        return Cap(*(None if bound is None else math.floor(bound * part) for bound in (self.tokens, self.yen)))

    def used_part(self, spent: Spend, rate: Rate) -> float:
        """Return how much of it `spent` is, from 0 on; by tokens or by yen, whichever is more."""
        by_tokens = spent.tokens / self.tokens if self.tokens else 0.0
        return max(by_tokens, spent.cost_usd * rate.yen_per_usd / self.yen if self.yen else 0.0)

    def reached(self, spent: Spend, rate: Rate) -> str:
        """Return which bound `spent` has reached, with both figures, or nothing while it may go on."""
        if self.tokens is not None and spent.tokens >= self.tokens:
            return f"{spent.tokens} of {self.tokens} tokens"
        if self.yen is not None and spent.cost_usd * rate.yen_per_usd >= self.yen:
            guessed = f", {rate.yen(spent.guessed_usd)} of them by estimate" if spent.guessed_usd > 0 else ""
            return f"{rate.yen(spent.cost_usd)} of {self.yen} yen{guessed}"
        return ""


NO_END = Cap(None, None)


@dataclass(frozen=True)
class Budgets:
    """What may be spent in one day, and in one month."""

    patient: Cap
    in_all: Cap
    rate: Rate
    patient_month: Cap = NO_END
    in_all_month: Cap = NO_END
    cheaper_from: float = 1.0
    """From which part of any of them, 0 to 1, a node that has a cheaper model is asked there."""

    def __str__(self) -> str:
        """Return all bounds in words, and what a dollar counts for."""
        day = f"per day {self.patient} for a patient, {self.in_all} in all"
        month = (
            f"per month {_told(self.patient_month.yen)} yen for a patient, {_told(self.in_all_month.yen)} yen in all"
        )
        rate = f"{self.rate.yen_per_usd:g} yen per US dollar, stated on {self.rate.dated}"
        return f"{day}; {month}; cheaper models from {self.cheaper_from:.0%} on; {rate}"

    def times(self, part: float) -> "Budgets":
        """Return that part of all of them, 0 to 1."""
        caps = (cap.times(part) for cap in (self.patient, self.in_all, self.patient_month, self.in_all_month))
        patient, in_all, patient_month, in_all_month = caps
        return Budgets(patient, in_all, self.rate, patient_month, in_all_month, self.cheaper_from)


def refusal(whose: str, figures: str, day: datetime, *, of_month: bool = False) -> str:
    """Return what a person is told when a budget is used up.

    Args:
        whose: `this patient` or `the pharmacy`.
        day: the first moment of the day in which it was.
        of_month: whether it is the month's budget.
    """
    today = day.astimezone(JAPAN).date()
    if of_month:
        until = (today.replace(day=1) + timedelta(days=31)).replace(day=1)
        return (
            f"the monthly budget of {whose} is used up: {figures} in {today:%Y-%m}; it begins anew on {until} in Japan"
        )
    until = today + timedelta(days=1)
    return f"the daily budget of {whose} is used up: {figures} on {today}; it begins anew on {until} in Japan"


def _told(bound: int | None) -> str:
    return "unlimited" if bound is None else str(bound)
