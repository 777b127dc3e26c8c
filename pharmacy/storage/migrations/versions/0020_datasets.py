"""Datasets: splits, versions, rows; what is erased, withdrawn or no longer agreed to leaves them at once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from pharmacy.storage.walls import wall

revision = "0020"
down_revision = "0019"

# Whoever takes rows away, and why, each loss is counted, or a version would only seem to be what its hash says.
LOSSES = """
CREATE FUNCTION kakari_note_losses() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO dataset_losses (pharmacy_id, version, split, rows)
    SELECT gone.pharmacy_id, gone.version, gone.split, count(*)
    FROM gone JOIN datasets USING (pharmacy_id, version) GROUP BY 1, 2, 3;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_losses AFTER DELETE ON dataset_rows REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION kakari_note_losses();
"""
# However a profile comes to be written: who no longer agrees to training is in no dataset from that commit on. The lock
# is that of pharmacy/storage/dataset_turns.py: a version that is being written must be there to be found, or not yet.
CONSENT = """
CREATE FUNCTION kakari_follow_consent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('datasets'), hashtext(NEW.pharmacy_id));
    DELETE FROM dataset_rows WHERE pharmacy_id = NEW.pharmacy_id AND patient_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER follow_consent AFTER UPDATE OF profile ON patients FOR EACH ROW
    WHEN (OLD.profile #>> '{consent,training}' = 'true'
          AND NEW.profile #>> '{consent,training}' IS DISTINCT FROM 'true')
    EXECUTE FUNCTION kakari_follow_consent();
"""


def upgrade() -> None:
    """Make the tables behind their walls; a row may leave a version, and nothing else of one may change."""
    _splits()
    _versions()
    _rows()
    for table in ("patient_splits", "datasets", "dataset_rows", "dataset_losses"):
        op.execute(wall(table))
    op.execute("REVOKE UPDATE, DELETE ON patient_splits, datasets FROM kakari_app")
    op.execute("REVOKE UPDATE ON dataset_rows FROM kakari_app")
    op.execute("REVOKE INSERT, UPDATE, DELETE ON dataset_losses FROM kakari_app")
    for statements in (LOSSES, CONSENT):
        op.get_bind().exec_driver_sql(statements.replace("%", "%%"))


def _splits() -> None:
    op.create_table(
        "patient_splits",
        *_words("pharmacy_id", "patient_id", "split"),
        _at(),
        sa.PrimaryKeyConstraint("pharmacy_id", "patient_id", name=op.f("pk_patient_splits")),
    )


def _versions() -> None:
    op.create_table(
        "datasets",
        *_words("pharmacy_id", "version", "node"),
        sa.Column("number", sa.Integer(), nullable=False),
        *_words("rows_hash"),
        sa.Column("prompt", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("manifest", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        *_words("built_by"),
        _at(),
        sa.PrimaryKeyConstraint("pharmacy_id", "version", name=op.f("pk_datasets")),
    )
    op.create_index("uq_datasets_number", "datasets", ["pharmacy_id", "node", "number"], unique=True)


def _rows() -> None:
    op.create_table(
        "dataset_rows",
        *_words("pharmacy_id", "version"),
        sa.Column("place", sa.Integer(), nullable=False),
        *_words("split", "patient_id", "conversation_id"),
        sa.Column("conversation_version", sa.Integer(), nullable=False),
        sa.Column("row", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        *_words("row_hash"),
        sa.PrimaryKeyConstraint("pharmacy_id", "version", "place", name=op.f("pk_dataset_rows")),
    )
    op.create_index("ix_dataset_rows_of_patient", "dataset_rows", ["pharmacy_id", "patient_id"])
    of_conversation = ["pharmacy_id", "conversation_id", "conversation_version"]
    op.create_index("ix_dataset_rows_of_conversation", "dataset_rows", of_conversation)
    op.create_table(
        "dataset_losses",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_words("pharmacy_id", "version", "split"),
        sa.Column("rows", sa.Integer(), nullable=False),
        _at(),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_dataset_losses")),
    )
    op.create_index("ix_dataset_losses_of_version", "dataset_losses", ["pharmacy_id", "version"])


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _at() -> sa.Column[object]:
    return sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
