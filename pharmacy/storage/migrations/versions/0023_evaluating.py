"""Evaluations, and the answers that they rest on; an answer goes with the row that it answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from pharmacy.storage.walls import wall

revision = "0023"
down_revision = "0022"

OF_EVALUATION = (["pharmacy_id", "evaluation_id"], ["evaluations.pharmacy_id", "evaluations.id"])
OF_ROW = (
    ["pharmacy_id", "version", "place"],
    ["dataset_rows.pharmacy_id", "dataset_rows.version", "dataset_rows.place"],
)


def upgrade() -> None:
    """Make both tables, each behind its wall; nothing that was answered is changed afterwards."""
    op.create_table(
        "evaluations",
        *_words("pharmacy_id"),
        sa.Column("id", sa.Uuid(), nullable=False),
        *_words("key", "node", "version"),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        *_words("begun_by"),
        _at(),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("pharmacy_id", "id", name=op.f("pk_evaluations")),
    )
    op.create_index("ix_evaluations_of_key", "evaluations", ["pharmacy_id", "key"])
    op.create_index("ix_evaluations_of_node", "evaluations", ["pharmacy_id", "node", "at"])
    op.create_table(
        "evaluation_answers",
        *_words("pharmacy_id"),
        sa.Column("evaluation_id", sa.Uuid(), nullable=False),
        *_words("candidate", "version"),
        sa.Column("place", sa.Integer(), nullable=False),
        *_words("patient_id", "conversation_id"),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("scores", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("said", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        *(sa.Column(f"{what}_tokens", sa.BigInteger(), nullable=False) for what in ("prompt", "cached", "completion")),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("judging_usd", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        _at(),
        sa.PrimaryKeyConstraint(
            "pharmacy_id", "evaluation_id", "candidate", "place", name=op.f("pk_evaluation_answers")
        ),
        sa.ForeignKeyConstraint(*OF_EVALUATION, name=op.f("fk_evaluation_answers_evaluations")),
        sa.ForeignKeyConstraint(*OF_ROW, name=op.f("fk_evaluation_answers_dataset_rows"), ondelete="CASCADE"),
    )
    op.create_index("ix_evaluation_answers_of_row", "evaluation_answers", ["pharmacy_id", "version", "place"])
    op.create_index("ix_evaluation_answers_of_patient", "evaluation_answers", ["pharmacy_id", "patient_id"])
    for table in ("evaluations", "evaluation_answers"):
        op.execute(wall(table))
    op.execute("REVOKE DELETE ON evaluations FROM kakari_app")
    op.execute("REVOKE UPDATE ON evaluation_answers FROM kakari_app")


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _at() -> sa.Column[object]:
    return sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
