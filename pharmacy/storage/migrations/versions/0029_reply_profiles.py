"""How much an earlier answer may cost a pharmacy, as a person chose."""

import sqlalchemy as sa
from alembic import op

from pharmacy.storage.walls import wall

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Make the table behind its wall; nobody rewrites who chose what, and when."""
    op.create_table(
        "reply_profiles",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_reply_profiles")),
    )
    op.create_index("ix_reply_profiles_newest", "reply_profiles", ["pharmacy_id", "seq"])
    op.execute(wall("reply_profiles"))
    op.execute("REVOKE UPDATE, DELETE ON reply_profiles FROM kakari_app")
