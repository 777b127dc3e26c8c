"""When a draft was first shown to somebody, for their own numbers."""

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add what is kept."""
