"""Runs that people look at again in LangSmith, and what they said of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from pharmacy.storage.walls import wall

revision = "0021"
down_revision = "0020"

OF_CONVERSATION = (["pharmacy_id", "conversation_id"], ["conversations.pharmacy_id", "conversations.id"])


def upgrade() -> None:
    """Make both tables, each behind its wall; whose a row is, its conversation says."""
    op.create_table(
        "annotation_items",
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("why", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("put_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_annotation_items")),
        sa.ForeignKeyConstraint(*OF_CONVERSATION, name=op.f("fk_annotation_items_conversations")),
    )
    op.create_index("ix_annotation_items_of_conversation", "annotation_items", ["pharmacy_id", "conversation_id"])
    op.create_table(
        "annotation_labels",
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("feedback_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("corrected", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), server_default=sa.text("'pseudonyms'"), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pulled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("pharmacy_id", "feedback_id", name=op.f("pk_annotation_labels")),
        sa.ForeignKeyConstraint(*OF_CONVERSATION, name=op.f("fk_annotation_labels_conversations")),
    )
    op.create_index("ix_annotation_labels_of_node", "annotation_labels", ["pharmacy_id", "node", "reviewed_at"])
    op.create_index("ix_annotation_labels_of_conversation", "annotation_labels", ["pharmacy_id", "conversation_id"])
    for table in ("annotation_items", "annotation_labels"):
        op.execute(wall(table))
