"""Which node a run is in, for whoever waits for the draft that they asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the node's name; the table's own trigger tells of each change."""
    op.add_column("runs", sa.Column("node", sa.Text(), nullable=True))
