"""Who looks at which conversation at this moment."""

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add what is kept."""
