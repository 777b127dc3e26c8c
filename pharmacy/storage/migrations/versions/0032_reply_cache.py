"""Questions that may be asked again, and whether a pharmacy answers them from memory."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from pharmacy.storage.walls import wall

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Make the tables behind their walls; nobody rewrites who chose what, and when."""
    op.create_table(
        "reply_caching",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("setting", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_reply_caching")),
    )
    op.create_index("ix_reply_caching_newest", "reply_caching", ["pharmacy_id", "seq"])
    op.create_table(
        "reply_cache",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("hit_of", sa.BigInteger(), nullable=True),
        sa.Column("likeness", sa.Double(), nullable=True),
        sa.Column("embedder", sa.Text(), nullable=True),
        sa.Column("embedding", postgresql.ARRAY(sa.REAL), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_reply_cache")),
        sa.UniqueConstraint("run_id", name=op.f("uq_reply_cache_run_id")),
        sa.ForeignKeyConstraint(
            ["pharmacy_id", "conversation_id"],
            ["conversations.pharmacy_id", "conversations.id"],
            name=op.f("fk_reply_cache_conversations"),
        ),
    )
    op.create_index("ix_reply_cache_key", "reply_cache", ["pharmacy_id", "key"])
    op.create_index("ix_reply_cache_scope", "reply_cache", ["pharmacy_id", "scope"])
    op.create_index("ix_reply_cache_hit_of", "reply_cache", ["hit_of"], postgresql_where=sa.text("hit_of IS NOT NULL"))
    op.create_index("ix_reply_cache_of_conversation", "reply_cache", ["pharmacy_id", "conversation_id"])
    for table in ("reply_caching", "reply_cache"):
        op.execute(wall(table))
    op.execute("REVOKE UPDATE, DELETE ON reply_caching FROM kakari_app")
