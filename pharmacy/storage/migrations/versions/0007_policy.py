"""The policy of automatic sending."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables, each behind its wall."""
