"""What models cost on each day."""

import sqlalchemy as sa
from alembic import op

from pharmacy.storage.walls import wall

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table, behind its wall."""
    op.create_table(
        "spending",
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("day_began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=True),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.Double(), nullable=False),
        sa.Column("guessed_usd", sa.Double(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pharmacy_id", "patient_id"], ["patients.pharmacy_id", "patients.id"], name=op.f("fk_spending_patients")
        ),
    )
    op.create_index(
        "uq_spending",
        "spending",
        ["pharmacy_id", "day_began_at", "patient_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.execute(wall("spending"))
