"""What the pharmacist's desk is found by: messages by version, wishes by time, words and names in one folded form."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

# What a patient said, and what answered it or settled it without words.
BY_VERSION = (
    ("ix_messages_of_patient", "messages", "author = 'patient'"),
    ("ix_messages_of_ours", "messages", "author <> 'patient' AND kind <> 'fixed'"),
    ("ix_suggestions_rejected", "suggestions", "state = 'rejected'"),
    ("ix_handovers_resolved", "handovers", "state = 'resolved'"),
)


def upgrade() -> None:
    """Add what is searched, kept by the database itself from what it stands for, and the indexes."""
    for table, column, words in (("messages", "folded", "text"), ("patients", "folded_name", "profile ->> 'name'")):
        # One statement that writes the whole table anew; whoever writes meanwhile waits for it.
        kept = sa.Computed(f"lower(normalize({words}, NFKC))", persisted=True)
        op.add_column(table, sa.Column(column, sa.Text(), kept, nullable=True))
    for name, table, which in BY_VERSION:
        columns = ["pharmacy_id", "conversation_id", "version"]
        op.create_index(name, table, columns, postgresql_where=sa.text(which))
    op.create_index("ix_requests_pharmacy_id_created_at", "requests", ["pharmacy_id", "created_at"])
