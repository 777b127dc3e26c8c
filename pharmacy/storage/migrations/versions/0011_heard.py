"""Who has heard of an alarm, address by address."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Keep the addresses that were told; an alarm that is half told is told once more, under its key."""
    op.add_column("alarms", sa.Column("heard", ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.drop_column("alarms", "posted_at")
    op.drop_column("alarms", "mailed_at")
