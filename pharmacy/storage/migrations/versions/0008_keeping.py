"""What is kept, and what was erased."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables, each behind its wall."""
