"""Why a good draft waits for a person: one word each, stored as it is; the console makes a sentence of it."""

from dataclasses import dataclass
from enum import StrEnum


class HeldFor(StrEnum):
    """What stands against a draft's going out by itself."""

    REQUESTED = "requested"
    """A pharmacist asked for it."""

    FIRST_CONTACT = "first_contact"
    REDELIVERED = "redelivered"
    CONSENT_UNKNOWN = "consent_unknown"
    PROVIDER_FALLBACK = "provider_fallback"
    MARKED_DOWN_BEFORE = "marked_down_before"
    GATE_HIT = "gate_hit"
    NOT_JUDGED = "not_judged"
    NOT_ALLOW_LISTED = "not_allow_listed"
    """The policy does not let its category and phase go out by themselves."""

    KILL_SWITCH = "kill_switch"
    POLICY_IN_DOUBT = "policy_in_doubt"
    MARK_BELOW_AUTOMATIC = "mark_below_automatic"
    TOO_LONG = "too_long"
    CONTACT_IN_REPLY = "contact_in_reply"
    ODD_FORM = "odd_form"
    ECHOES_PATIENT = "echoes_patient"
    GATE_IN_WINDOW = "gate_in_window"
    SPEAKS_TO_MACHINE = "speaks_to_machine"
    NOT_MARKED = "not_marked"
    """The words that say that no person wrote it are missing, or others."""

    TAKEN_OVER = "taken_over"
    CORRECTED = "corrected"
    """A person has put phase or category right since it was written."""

    OPEN_CASE = "open_case"
    OTHER_PATIENTS_NAME = "other_patients_name"
    POLICY_CHANGED = "policy_changed"
    OTHER_RECIPIENT = "other_recipient"
    """The conversation belongs to somebody else than when it was written."""

    LIMIT_PER_PATIENT_HOUR = "limit_per_patient_hour"
    LIMIT_PER_PATIENT_DAY = "limit_per_patient_day"
    LIMIT_PER_DAY = "limit_per_day"
    LIMIT_IN_ALL = "limit_in_all"
    NEWER_MESSAGE = "newer_message"
    CANCELLED = "cancelled"
    """A person took it back while it waited to go out."""

    ANSWERED = "answered"
    """A person has answered the patient instead."""

    RECORD_UNREADABLE = "record_unreadable"


@dataclass(frozen=True)
class Reached:
    """A value that keeps a draft from going out by itself, beside what it is held against."""

    code: HeldFor
    reached: int | None
    """Replies that count already, characters, a mark, or a policy's version; None where no mark was given."""

    limit: int
    """The most, or of a mark the least, that lets it out; of `policy_changed` the version that let it out."""

    criterion: str | None = None
    """Whose mark it is."""


@dataclass(frozen=True)
class Against:
    """One thing against a draft's going out by itself."""

    code: HeldFor
    reached: tuple[Reached, ...] = ()
