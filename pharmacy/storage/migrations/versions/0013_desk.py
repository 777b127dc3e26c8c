"""What the pharmacist's desk is found by: messages by version, wishes by time, words and names in one folded form."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add what is searched, kept by the database itself from what it stands for, and the indexes."""
    for table, column, words in (("messages", "folded", "text"), ("patients", "folded_name", "profile ->> 'name'")):
        # One statement that writes the whole table anew; whoever writes meanwhile waits for it.
        kept = sa.Computed(f"lower(normalize({words}, NFKC))", persisted=True)
        op.add_column(table, sa.Column(column, sa.Text(), kept, nullable=True))
    op.create_index("ix_messages_by_version", "messages", ["pharmacy_id", "conversation_id", "version"])
    op.create_index("ix_requests_pharmacy_id_created_at", "requests", ["pharmacy_id", "created_at"])
