"""The policy of automatic sending."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from pharmacy.storage.walls import wall

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables, each behind its wall; nobody rewrites who let what go out, and when."""
    op.create_table(
        "policies",
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("pharmacy_id", "version", name=op.f("pk_policies")),
    )
    op.create_table(
        "kill_switches",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_kill_switches")),
    )
    op.create_index("ix_kill_switches_newest", "kill_switches", ["pharmacy_id", "seq"])
    op.create_index(
        "ix_outbox_automatic", "outbox", ["pharmacy_id", "created_at"], postgresql_where=sa.text("automatic")
    )
    for table in ("policies", "kill_switches"):
        op.execute(wall(table))
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM kakari_app")
