"""Who may do what: one table, role by right."""

from collections.abc import Mapping
from enum import StrEnum


class Right(StrEnum):
    """One thing that a call may need; each route names the one it needs."""

    TAKE_MESSAGES = "take_messages"
    """Hand in patients' messages."""

    READ_WORDS = "read_words"
    """Read what patients wrote and are, and what was drafted for them."""

    DECIDE = "decide"
    """Answer patients: approve, edit, refuse, respond, take over, close and acknowledge cases."""

    KEEP_PATIENTS = "keep_patients"
    """Write what is known of a patient."""

    READ_PRODUCTS = "read_products"
    KEEP_PRODUCTS = "keep_products"

    READ_FLOW = "read_flow"
    """See how the flow is drawn and served."""

    READ_MODELS = "read_models"
    """See which models serve, how good they are and what they cost: figures, and no patient's words."""

    SET_SERVING = "set_serving"
    """Let a student take its next step, where the node's plan names one's role; let the teacher serve again; say what
    an earlier answer may cost."""

    READ_POLICY = "read_policy"
    """See what may be sent automatically."""

    SET_POLICY = "set_policy"
    """Change what may be sent automatically; let it run again after a stop."""

    STOP_SENDING = "stop_sending"
    """Stop all automatic sending at once."""

    READ_AUDIT = "read_audit"
    """Read and verify the audit trail: ids and codes."""

    EXPORT_RECORDS = "export_records"
    """Take the record of each message out, words included."""

    ERASE = "erase"
    """Remove a patient and everything of them."""

    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_KEYS = "manage_keys"

    OWN_ACCOUNT = "own_account"
    """See and secure one's own account."""


class Role(StrEnum):
    """What an account or a key is there for."""

    PHARMACIST = "pharmacist"
    LEAD = "lead"
    ENGINEER = "engineer"
    ADMIN = "admin"
    MACHINE = "machine"
    """For keys only: the shop's own program, which did all of this before there were accounts."""


PEOPLE = (Role.PHARMACIST, Role.LEAD, Role.ENGINEER, Role.ADMIN)
SECOND_FACTOR = frozenset({Role.LEAD, Role.ADMIN})
"""Roles that do not work without a second factor."""

EVERY_RIGHT = frozenset(Right)

_PHARMACIST = frozenset(
    {
        Right.READ_WORDS, Right.DECIDE, Right.KEEP_PATIENTS, Right.READ_PRODUCTS, Right.READ_FLOW, Right.READ_POLICY,
        Right.STOP_SENDING, Right.OWN_ACCOUNT,
    }
)  # fmt: skip

MAY: Mapping[Role, frozenset[Right]] = {
    Role.PHARMACIST: _PHARMACIST,
    Role.LEAD: _PHARMACIST
    | {Right.KEEP_PRODUCTS, Right.READ_MODELS, Right.SET_SERVING, Right.SET_POLICY, Right.READ_AUDIT,
       Right.EXPORT_RECORDS, Right.ERASE},
    # No patient's words: whoever needs them for a while is given the right by name.
    Role.ENGINEER: frozenset(
        {Right.READ_PRODUCTS, Right.KEEP_PRODUCTS, Right.READ_FLOW, Right.READ_MODELS, Right.SET_SERVING,
         Right.READ_POLICY, Right.STOP_SENDING, Right.READ_AUDIT, Right.OWN_ACCOUNT}
    ),
    # Says who may, and may none of it: nobody hands themselves the patients unseen, it stands in the audit trail.
    Role.ADMIN: frozenset(
        {Right.READ_PRODUCTS, Right.READ_FLOW, Right.READ_MODELS, Right.READ_POLICY, Right.STOP_SENDING,
         Right.READ_AUDIT, Right.ERASE, Right.MANAGE_ACCOUNTS, Right.MANAGE_KEYS, Right.OWN_ACCOUNT}
    ),
    Role.MACHINE: frozenset(
        {Right.TAKE_MESSAGES, Right.READ_WORDS, Right.DECIDE, Right.KEEP_PATIENTS, Right.READ_PRODUCTS,
         Right.KEEP_PRODUCTS, Right.READ_FLOW}
    ),
}  # fmt: skip


def who_may(right: Right) -> list[Role]:
    """Return the roles that hold `right`, in the order of the table."""
    return [role for role, rights in MAY.items() if right in rights]
