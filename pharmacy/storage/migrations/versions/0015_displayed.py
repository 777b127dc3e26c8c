"""When a draft was first shown to somebody, for their own numbers."""

import sqlalchemy as sa
from alembic import op

from pharmacy.storage.walls import wall

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add who had which draft on the screen since when, which model wrote it, and an index by decision."""
    op.create_table(
        "displays",
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=False),
        sa.Column("shown_to", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("pharmacy_id", "suggestion_id", "shown_to", name=op.f("pk_displays")),
    )
    op.create_index("ix_displays_pharmacy_id_at", "displays", ["pharmacy_id", "at"])
    op.execute(wall("displays"))
    op.execute("REVOKE UPDATE, DELETE ON displays FROM kakari_app")
    # Kept beside the record that says so: reading it out of each whole record would take a second for a quarter's.
    told = sa.Computed("(body -> 'models') ->> ('generate_' || category)", persisted=True)
    op.add_column("suggestions", sa.Column("model", sa.Text(), told, nullable=True))
    op.create_index(
        "ix_suggestions_decided", "suggestions", ["pharmacy_id", "decided_at"],
        postgresql_where=sa.text("decided_at IS NOT NULL"),
    )  # fmt: skip
