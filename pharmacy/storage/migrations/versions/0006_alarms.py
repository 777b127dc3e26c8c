"""Sending that waits, and alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables, each behind its wall."""
    op.add_column("outbox", sa.Column("kind", sa.Text(), server_default="reply", nullable=False))
    op.add_column("outbox", sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("outbox", sa.Column("policy_version", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))
