"""Sending that waits, and alarms."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables, each behind its wall."""
