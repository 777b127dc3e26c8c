"""Who has reserved which run of the annotation queue, and who is done with it; what nodes asked is found by time."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0024"


def upgrade() -> None:
    """Add the columns; a run that nobody has reserved is anybody's."""
    for name in ("reserved_by", "done_by"):
        op.add_column("annotation_items", sa.Column(name, sa.Text(), nullable=True))
    for name in ("reserved_until", "done_at"):
        op.add_column("annotation_items", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_annotation_items_waiting", "annotation_items", ["pharmacy_id", "put_at", "run_id"],
                    postgresql_where=sa.text("done_at IS NULL"))  # fmt: skip
    # Rows come in the order of time, so a summary of their pages is enough, and costs a call next to nothing.
    op.create_index("ix_model_calls_by_time", "model_calls", ["started_at"], postgresql_using="brin")
