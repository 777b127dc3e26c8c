"""Who looks at which conversation at this moment."""

import sqlalchemy as sa
from alembic import op

from pharmacy.storage.telling import TELL_PRESENCE
from pharmacy.storage.walls import wall

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add what is kept: without a log, for a crash may take what is true for seconds only."""
    op.create_table(
        "presences",
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("pharmacy_id", "actor", "page", name=op.f("pk_presences")),
        prefixes=["UNLOGGED"],
    )
    op.execute(wall("presences"))
    op.get_bind().exec_driver_sql(TELL_PRESENCE)
