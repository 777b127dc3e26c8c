"""Why a text has not gone out, as a code beside the words, and whether it may have arrived all the same."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_DOUBT = "; it may have arrived"
# What stood in the words alone until now; the first that fits.
_KNOWN = {
    "^[a-z_]+$": None,
    "^not delivered": "given_up",
    "retry key is older": "key_too_old",
    "case is closed": "case_closed",
    "words for an emergency": "emergency_passed",
    "opening time": "opening_passed",
    "put back from a backup": "restored",
    "left or blocked": "patient_left",
    "no contact|\\(404\\)": "patient_unknown",
    "^too long for LINE": "too_long_for_channel",
    "monthly quota": "monthly_quota",
    "\\(401\\)": "token_refused",
    "\\(403\\)": "not_permitted",
    "no account here": "no_account",
    "stood still": "stood_still",
    " answered 429$": "asked_to_wait",
    " answered 5\\d\\d$": "receiver_failed",
    " answered \\d+$|refuses the text": "receiver_refused",
    "^(ConnectError|ConnectTimeout|PoolTimeout) at ": "no_connection",
    "^\\w+ at ": "no_answer",
}


_BARE = f"replace(problem, '{_DOUBT}', '')"
_CODE = " ".join(f"WHEN {_BARE} ~ '{words}' THEN " + (f"'{code}'" if code else _BARE) for words, code in _KNOWN.items())
READ_OUT = f"""
UPDATE outbox SET problem_code = CASE {_CODE} END, in_doubt = problem LIKE '%{_DOUBT}' WHERE problem IS NOT NULL
"""  # noqa: S608 (every word of it is ours)


def upgrade() -> None:
    """Add both, and read them out of the words of the rows that are there; of others the words stay all there is."""
    op.add_column("outbox", sa.Column("problem_code", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("in_doubt", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.execute(READ_OUT)
