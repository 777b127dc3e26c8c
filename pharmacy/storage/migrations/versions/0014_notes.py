"""What pharmacists keep beside a conversation, private notes, and the replies that they use again."""

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add what is kept."""
