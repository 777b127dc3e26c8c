"""What every message needs, in one statement each: whose key it is, and the audit trail's next row."""

from alembic import op

revision = "0009"
down_revision = "0008"

# Says whose the key is and goes behind the wall of their pharmacy, for the rest of the transaction.
ENTER_BY_KEY = """
CREATE FUNCTION kakari_enter_by_key(bytea)
    RETURNS TABLE (pharmacy_id text, name text, role text, rights jsonb) LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp
    AS $$ SELECT set_config('kakari.pharmacy_id', pharmacy_id, true), name, role, rights
          FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL $$;
REVOKE EXECUTE ON FUNCTION kakari_enter_by_key(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kakari_enter_by_key(bytea) TO kakari_app;
DROP FUNCTION kakari_pharmacy_of_key(bytea);
"""
# Runs with the caller's own rights. Volatile, so that what it reads under the lock is as new as the lock, the time too:
# it never goes back along the chain. It is written as Python's isoformat() writes it, which leaves out a fraction of
# nothing. Time and number stand between the three pieces of the JSON that is hashed.
APPEND_AUDIT = """
CREATE FUNCTION kakari_append_audit(whose text, who text, did text, to_what text, told jsonb, pieces text[])
    RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
    newest record;
    next_seq bigint;
    previous text;
    happened timestamptz;
    written text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit:' || whose, 0));
    happened := clock_timestamp();
    written := replace(to_char(happened AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '.000000', '') || '+00:00';
    SELECT seq, hash INTO newest FROM audit WHERE pharmacy_id = whose ORDER BY seq DESC LIMIT 1;
    next_seq := coalesce(newest.seq, 0) + 1;
    previous := coalesce(newest.hash, repeat('0', 64));
    INSERT INTO audit (pharmacy_id, seq, at, actor, action, subject, body, previous_hash, hash)
    VALUES (whose, next_seq, happened, who, did, to_what, told, previous, encode(sha256(convert_to(
            previous || pieces[1] || written || pieces[2] || next_seq || pieces[3], 'UTF8')), 'hex'));
END
$$;
REVOKE EXECUTE ON FUNCTION kakari_append_audit(text, text, text, text, jsonb, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kakari_append_audit(text, text, text, text, jsonb, text[]) TO kakari_app;
"""


def upgrade() -> None:
    """Make the functions; the one that they replace goes."""
    for statements in (ENTER_BY_KEY, APPEND_AUDIT):
        op.get_bind().exec_driver_sql(statements)
