"""The approved words that go to a patient without a draft: which one fits a case, and whether it may go at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from pharmacy.domain.business_hours import BusinessHours
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.outcome import Reason

OPENS = "{{ opens }}"
"""The blank of the text for closed hours."""

# A person is at it already, or the patient wants no word from a machine.
_QUIET = frozenset(
    {
        "taken_over", "answered_in_person", "run_stopped", "draft_rejected", "not_sent", "consent_refused", "unsent",
        "too_old",
    }
)  # fmt: skip
_WEEKDAYS = "月火水木金土日"


@dataclass(frozen=True)
class Contact:
    """A number that a fixed text names, with the public page it was read on."""

    number: str
    whose: str
    source: str
    read_on: date


@dataclass(frozen=True)
class FixedText:
    """Words that a pharmacist approved beforehand."""

    name: str
    words: str
    approved_by: str
    """Empty while nobody has approved it; it is never sent then."""

    approved_on: date | None


@dataclass(frozen=True)
class FixedTexts:
    """Every fixed text, and which of them this pharmacy lets go out."""

    emergency: dict[str, FixedText]
    """Tier E category to its text."""

    received: FixedText
    closed: FixedText
    contacts: frozenset[str]
    hours: BusinessHours
    emergencies_sent: bool = False
    handovers_sent: bool = False

    def for_case(self, reason: Reason, now: datetime) -> FixedText | None:
        """Return what the patient is told, now that a person is called for `reason`; None for nothing."""
        if reason.tier is Tier.E:
            return self._of_emergency(reason) if self.emergencies_sent else None
        if not self.handovers_sent or _codes(reason) & _QUIET:
            return None
        if self.hours.is_open(now):
            return self.received
        opens = _spoken(self.hours.next_opening(now))
        return replace(self.closed, words=self.closed.words.replace(OPENS, opens))

    def silent(self) -> "FixedTexts":
        """Return the same texts with none let go, for a message that came too late to be answered by itself."""
        return replace(self, emergencies_sent=False, handovers_sent=False)

    def _of_emergency(self, reason: Reason) -> FixedText:
        """Return the text of the first tier E category that was found; what only a model found has the general one."""
        return self.emergency.get(category_of(reason) or "", self.emergency["obfuscated_emergency"])


def category_of(reason: Reason) -> str | None:
    """Return the gate category of the hit that weighs most, or None when no rule of the text held."""
    hits = [hit for hit in reason.hits if hit.tier is reason.tier]
    families = [hit.rule.partition(".")[0] for hit in hits]
    return next((family for family in families if family not in ("screen", "profile")), None)


def _codes(reason: Reason) -> frozenset[str]:
    return frozenset({reason.code, *(hit.rule.removeprefix("screen.") for hit in reason.hits)})


def _spoken(when: datetime) -> str:
    minutes = f"{when.minute}分" if when.minute else ""
    return f"{when.month}月{when.day}日({_WEEKDAYS[when.weekday()]}){when.hour}時{minutes}"


def unapproved(texts: Sequence[FixedText]) -> FixedText | None:
    """Return the first text that no pharmacist has approved, or None."""
    return next((text for text in texts if not text.approved_by or text.approved_on is None), None)
