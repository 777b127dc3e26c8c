"""Why a text has not gone out: one word each, stored as it is; the console makes a sentence of it."""

from dataclasses import dataclass
from enum import StrEnum

from pharmacy.domain.held_for import HeldFor


class UnsentFor(StrEnum):
    """What stands between a text and its patient, beside what a policy holds it for."""

    STOOD_STILL = "stood_still"
    """The worker had stood still since the text was let go."""

    NO_CONNECTION = "no_connection"
    NO_ANSWER = "no_answer"
    ASKED_TO_WAIT = "asked_to_wait"
    RECEIVER_FAILED = "receiver_failed"
    RECEIVER_REFUSED = "receiver_refused"
    GIVEN_UP = "given_up"
    """Its job ended without an answer."""

    KEY_TOO_OLD = "key_too_old"
    """The receiver may have forgotten the retry key by now, and would not know a repeat for one."""

    CASE_CLOSED = "case_closed"
    EMERGENCY_PASSED = "emergency_passed"
    OPENING_PASSED = "opening_passed"
    RESTORED = "restored"
    """The store was put back from a backup."""

    PATIENT_LEFT = "patient_left"
    PATIENT_UNKNOWN = "patient_unknown"
    TOO_LONG_FOR_CHANNEL = "too_long_for_channel"
    MONTHLY_QUOTA = "monthly_quota"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 (a word, no secret)
    NOT_PERMITTED = "not_permitted"
    NO_ACCOUNT = "no_account"


@dataclass(frozen=True)
class Problem:
    """Why a text has not gone out, and what an engineer may want to know of it."""

    code: UnsentFor | HeldFor
    detail: str = ""

    @property
    def told(self) -> str:
        """The detail, or the code where there is none."""
        return self.detail or self.code.value
