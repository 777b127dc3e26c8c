"""Sending that waits, and alarms."""

import sqlalchemy as sa
from alembic import op

from pharmacy.storage.walls import wall

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables, each behind its wall."""
    _let_texts_wait()
    _let_cases_alarm()
    _make_alarms()
    op.execute(wall("alarms"))
    op.execute("REVOKE DELETE ON alarms FROM kakari_app")


def _let_texts_wait() -> None:
    op.add_column("outbox", sa.Column("kind", sa.Text(), server_default="reply", nullable=False))
    op.add_column("outbox", sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("outbox", sa.Column("policy_version", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))
    op.add_column("outbox", sa.Column("handover_id", sa.Uuid(), nullable=True))
    op.add_column("outbox", sa.Column("fixed_text", sa.Text(), nullable=True))
    # Once per case, however many transactions think of it at once.
    op.create_index(
        "uq_outbox_fixed_text", "outbox", ["handover_id", "fixed_text"], unique=True,
        postgresql_where=sa.text("handover_id IS NOT NULL"),
    )  # fmt: skip


def _let_cases_alarm() -> None:
    op.add_column("handovers", sa.Column("alarm_level", sa.Integer(), server_default="0", nullable=False))
    for name in ("alarmed_at", "alarm_due_at", "acknowledged_at"):
        op.add_column("handovers", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("handovers", sa.Column("acknowledged_by", sa.Text(), nullable=True))
    op.create_index(
        "ix_handovers_alarm_due", "handovers", ["pharmacy_id", "alarm_due_at"], unique=False,
        postgresql_where=sa.text("state = 'open' AND acknowledged_at IS NULL AND alarm_due_at IS NOT NULL"),
    )  # fmt: skip


def _make_alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sa.ForeignKeyConstraint(
            ["pharmacy_id", "conversation_id"],
            ["conversations.pharmacy_id", "conversations.id"],
            name=op.f("fk_alarms_conversations"),
        ),
    )
    op.create_index(op.f("ix_alarms_pharmacy_id_created_at"), "alarms", ["pharmacy_id", "created_at"], unique=False)
    op.create_index(
        "ix_alarms_of_handover", "alarms", ["handover_id"], unique=False,
        postgresql_where=sa.text("handover_id IS NOT NULL"),
    )  # fmt: skip
