"""Answers of students that nobody sees, and the watch over students that serve."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from pharmacy.storage.walls import wall

revision = "0024"
down_revision = "0023"

OF_CONVERSATION = (["pharmacy_id", "conversation_id"], ["conversations.pharmacy_id", "conversations.id"])
# As before, and with it what a student was asked beside a reply: that too only serves to make students.
CONSENT = """
CREATE OR REPLACE FUNCTION kakari_follow_consent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('datasets'), hashtext(NEW.pharmacy_id));
    DELETE FROM dataset_rows WHERE pharmacy_id = NEW.pharmacy_id AND patient_id = NEW.id;
    DELETE FROM shadow_answers WHERE pharmacy_id = NEW.pharmacy_id AND patient_id = NEW.id;
    RETURN NULL;
END
$$;
"""


def upgrade() -> None:
    """Make the tables behind their walls; a case that a watch has counted is not counted otherwise afterwards."""
    _shadow_answers()
    _watches()
    _watch_cases()
    for table in ("shadow_answers", "watches", "watch_cases"):
        op.execute(wall(table))
    op.execute("REVOKE DELETE ON watches FROM kakari_app")
    op.execute("REVOKE UPDATE, DELETE ON watch_cases FROM kakari_app")
    op.get_bind().exec_driver_sql(CONSENT)
    # What the watch looks for every two seconds.
    lately = sa.text("resolved_at IS NOT NULL")
    op.create_index("ix_handovers_resolved_at", "handovers", ["pharmacy_id", "resolved_at"], postgresql_where=lately)


def _shadow_answers() -> None:
    op.create_table(
        "shadow_answers",
        *_words("pharmacy_id"),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        *_words("node", "conversation_id", "patient_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("serving_seq", sa.BigInteger(), nullable=False),
        *_words("model_asked"),
        sa.Column("model_served", sa.Text(), nullable=True),
        *_words("beside"),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("output", sa.Text(), nullable=True),
        *_json("scores", "said", "beside_scores"),
        *(sa.Column(f"{what}_tokens", sa.BigInteger(), nullable=False) for what in ("prompt", "cached", "completion")),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("judging_usd", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        _at(),
        sa.PrimaryKeyConstraint("pharmacy_id", "run_id", "node", name=op.f("pk_shadow_answers")),
        sa.ForeignKeyConstraint(*OF_CONVERSATION, name=op.f("fk_shadow_answers_conversations")),
    )
    op.create_index("ix_shadow_answers_of_node", "shadow_answers", ["pharmacy_id", "node", "serving_seq"])
    op.create_index("ix_shadow_answers_of_conversation", "shadow_answers", ["pharmacy_id", "conversation_id"])
    op.create_index("ix_shadow_answers_of_patient", "shadow_answers", ["pharmacy_id", "patient_id"])


def _watches() -> None:
    op.create_table(
        "watches",
        *_words("pharmacy_id", "node"),
        sa.Column("serving_seq", sa.BigInteger(), nullable=False),
        *_words("student", "measure"),
        sa.Column("bound", sa.Double(), nullable=False),
        sa.Column("alpha", sa.Double(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Double(), nullable=False),
        *_json("capitals"),
        sa.Column("has_fallen", sa.Boolean(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        _at(),
        sa.PrimaryKeyConstraint("pharmacy_id", "node", "serving_seq", "student", name=op.f("pk_watches")),
    )


def _watch_cases() -> None:
    op.create_table(
        "watch_cases",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_words("pharmacy_id", "node"),
        sa.Column("serving_seq", sa.BigInteger(), nullable=False),
        *_words("student", "conversation_id"),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("acceptance", sa.Double(), nullable=False),
        _at(),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_watch_cases")),
        sa.ForeignKeyConstraint(*OF_CONVERSATION, name=op.f("fk_watch_cases_conversations")),
    )
    of_watch = ["pharmacy_id", "node", "serving_seq", "student", "conversation_id"]
    op.create_index("uq_watch_cases_one_of_a_conversation", "watch_cases", of_watch, unique=True)
    op.create_index("ix_watch_cases_of_conversation", "watch_cases", ["pharmacy_id", "conversation_id"])


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _json(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), nullable=False) for name in names]


def _at() -> sa.Column[object]:
    return sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
