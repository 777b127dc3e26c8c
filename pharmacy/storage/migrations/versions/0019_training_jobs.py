"""What was trained, from what, and how far it is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from pharmacy.storage.walls import wall

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the table behind its wall; nobody rewrites what a student was made from."""
    words = ("key", "node", "trainer", "base", "prompt_fingerprint", "rows_hash")
    op.create_table(
        "training_jobs",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in words),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("noted_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_training_jobs")),
    )
    op.create_index("ix_training_jobs_newest", "training_jobs", ["pharmacy_id", "key", "seq"])
    op.execute(wall("training_jobs"))
    op.execute("REVOKE UPDATE, DELETE ON training_jobs FROM kakari_app")
