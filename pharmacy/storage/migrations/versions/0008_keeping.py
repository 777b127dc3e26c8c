"""What is kept, and what was erased."""

import sqlalchemy as sa
from alembic import op

from pharmacy.storage.walls import wall

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables, each behind its wall."""
    _erase()
    _keep_audit()


# Erases one patient's rows of one table, append-only or not, in the pharmacy that the transaction works for. Which rows
# are theirs is read off the table's own columns, so that a table made later is no exception. The audit trail has none:
# it holds ids only.
ERASE_ROWS = """
CREATE FUNCTION kakari_erase_rows(of text, patient text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    mine constant text := current_setting('kakari.pharmacy_id', true);
    theirs constant text := 'SELECT id FROM conversations WHERE pharmacy_id = $1 AND patient_id = $2';
    names constant text[] := ARRAY(
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = format('public.%I', of)::regclass AND attnum > 0 AND NOT attisdropped);
    links text[] := '{}';
    found text;
    erased bigint;
BEGIN
    IF of IN ('audit', 'audit_heads', 'erased_events') OR NOT 'pharmacy_id' = ANY (names) THEN
        RAISE EXCEPTION 'kakari_erase_rows: % holds no rows of a patient', of;
    END IF;
    IF of = 'patients' THEN links := links || 'id = $2'::text; END IF;
    IF 'patient_id' = ANY (names) THEN links := links || 'patient_id = $2'::text; END IF;
    IF 'conversation_id' = ANY (names) THEN links := links || format('conversation_id IN (%s)', theirs);
    ELSIF 'message_id' = ANY (names) THEN
        links := links || format('(channel, message_id) IN (SELECT c.channel, m.id FROM messages m JOIN conversations c
            ON c.pharmacy_id = m.pharmacy_id AND c.id = m.conversation_id
            WHERE c.pharmacy_id = $1 AND c.patient_id = $2)');
    END IF;
    IF 'user_id' = ANY (names) THEN
        links := links || format('user_id IN (SELECT user_id FROM line_contacts
            WHERE pharmacy_id = $1 AND conversation_id IN (%s))', theirs);
    END IF;
    IF links = '{}' THEN RAISE EXCEPTION 'kakari_erase_rows: nothing in % says whose a row is', of; END IF;
    found := format('FROM %I WHERE pharmacy_id = $1 AND (%s)', of, array_to_string(links, ' OR '));
    IF 'event_id' = ANY (names) THEN
        EXECUTE 'INSERT INTO erased_events (pharmacy_id, event_hash)
            SELECT DISTINCT pharmacy_id, sha256(convert_to(event_id, ''UTF8'')) ' || found || ' ON CONFLICT DO NOTHING'
            USING mine, patient;
    END IF;
    EXECUTE 'DELETE ' || found USING mine, patient;
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END
$$;
REVOKE EXECUTE ON FUNCTION kakari_erase_rows(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kakari_erase_rows(text, text) TO kakari_app;
"""
# A channel repeats events for hours and a caller may repeat a request for ever: what was erased must not come back so.
REFUSE_ERASED = """
CREATE FUNCTION kakari_refuse_erased() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM erased_events WHERE pharmacy_id = NEW.pharmacy_id
               AND event_hash = sha256(convert_to(NEW.event_id, 'UTF8'))) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse_erased BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION kakari_refuse_erased();
CREATE TRIGGER refuse_erased BEFORE INSERT ON line_events FOR EACH ROW EXECUTE FUNCTION kakari_refuse_erased();
REVOKE INSERT, UPDATE, DELETE ON erased_events FROM kakari_app;
"""
# The inbox takes no update; this blanks the raw bodies of its old rows and leaves what tells a repeat.
BLANK_INBOX = """
CREATE FUNCTION kakari_blank_inbox(before timestamptz) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    WITH blanked AS (
        UPDATE inbox SET raw = '' WHERE pharmacy_id = current_setting('kakari.pharmacy_id', true)
        AND received_at < least(before, now() - interval '7 days') AND raw <> '' RETURNING 1
    ) SELECT count(*) FROM blanked $$;
REVOKE EXECUTE ON FUNCTION kakari_blank_inbox(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kakari_blank_inbox(timestamptz) TO kakari_app;
"""


def _erase() -> None:
    op.create_table(
        "erased_events",
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("event_hash", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("pharmacy_id", "event_hash", name=op.f("pk_erased_events")),
    )
    op.execute(wall("erased_events"))
    for statements in (ERASE_ROWS, REFUSE_ERASED, BLANK_INBOX):
        op.get_bind().exec_driver_sql(statements.replace("%", "%%"))


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
