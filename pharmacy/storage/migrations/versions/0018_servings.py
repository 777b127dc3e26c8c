"""Who serves each node, as decided; and which of two models a run drew."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from pharmacy.storage.walls import wall

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the table behind its wall; nobody rewrites who let which model answer, and when."""
    op.create_table(
        "servings",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("canary_share", sa.Double(), nullable=False),
        sa.Column("shadow_share", sa.Double(), nullable=False),
        sa.Column("student", sa.Text(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_servings")),
    )
    op.create_index("ix_servings_newest", "servings", ["pharmacy_id", "node", "seq"])
    op.execute(wall("servings"))
    op.execute("REVOKE UPDATE, DELETE ON servings FROM kakari_app")
    op.add_column("runs", sa.Column("chosen", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
