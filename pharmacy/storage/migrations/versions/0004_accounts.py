"""Accounts, rights and sessions."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables, each behind its wall."""
