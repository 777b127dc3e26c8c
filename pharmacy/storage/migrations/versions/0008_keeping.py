"""What is kept, and what was erased."""

import sqlalchemy as sa
from alembic import op

from pharmacy.storage.walls import wall

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables, each behind its wall."""
    _keep_audit()


# The database notes each audit row's hash as the row is written, out of the program's reach: rows that are taken away
# or written anew later no longer agree with what was noted. The program itself can only add the row that comes next;
# what an owner of the database adds by hand is found when the chain is verified.
AUDIT_HEADS = """
CREATE FUNCTION kakari_note_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    newest record;
BEGIN
    SELECT seq, hash INTO newest FROM audit_heads WHERE pharmacy_id = NEW.pharmacy_id ORDER BY seq DESC LIMIT 1;
    IF NEW.seq = coalesce(newest.seq, 0) + 1 AND NEW.previous_hash = coalesce(newest.hash, repeat('0', 64)) THEN
        INSERT INTO audit_heads (pharmacy_id, seq, hash) VALUES (NEW.pharmacy_id, NEW.seq, NEW.hash);
    ELSIF current_setting('role') = 'kakari_app' THEN
        RAISE EXCEPTION 'audit: row % does not follow row %', NEW.seq, coalesce(newest.seq, 0);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_audit AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION kakari_note_audit();
INSERT INTO audit_heads (pharmacy_id, seq, hash) SELECT pharmacy_id, seq, hash FROM audit;
REVOKE INSERT, UPDATE, DELETE ON audit_heads FROM kakari_app;
REVOKE UPDATE, DELETE ON restores FROM kakari_app;
"""


def _keep_audit() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pharmacy_id", "seq", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "restores",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_restores")),
    )
    op.create_index(op.f("ix_audit_pharmacy_id_subject"), "audit", ["pharmacy_id", "subject"])
    op.execute(wall("audit_heads"))
    op.execute(AUDIT_HEADS)
