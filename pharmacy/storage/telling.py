"""What a console shows tells of its own changes: a trigger of each table, so that no writer can forget it."""

from pharmacy.storage.notices import WIRE

FUNCTION = f"""
CREATE FUNCTION kakari_tell() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    which text := NEW.pharmacy_id;
BEGIN
    IF TG_ARGV[1] = 'conversation_id' THEN
        which := which || '/' || NEW.conversation_id;
    ELSIF TG_ARGV[1] = 'id' THEN
        which := which || '/' || NEW.id;
    END IF;
    PERFORM pg_notify('{WIRE}', json_build_array(TG_ARGV[0], which)::text);
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION kakari_tell() FROM PUBLIC;
"""
"""Told once for each transaction, however many of its rows are the same thing's: PostgreSQL drops equal notices."""


OVERTAKEN = "overtaken"
"""The channel that a run listens on while it works."""

TELL_RUNS = f"""
CREATE TRIGGER tells_run AFTER UPDATE ON conversations FOR EACH ROW WHEN (NEW.version <> OLD.version)
    EXECUTE FUNCTION kakari_tell('{OVERTAKEN}', 'id');
CREATE TRIGGER tells_run AFTER UPDATE ON runs FOR EACH ROW WHEN (NEW.state <> OLD.state)
    EXECUTE FUNCTION kakari_tell('{OVERTAKEN}', 'conversation_id');
"""
"""What makes a run idle: a newer message, or an end that somebody else has set to it. Its own steps do not wake it."""


def tell(table: str, channel: str = "conversation", of: str = "conversation_id") -> str:
    """Return the SQL that has each new or changed row of `table` told on `channel`, with its transaction.

    Args:
        of: the column that says which one has changed: `conversation_id`, `id`, or `pharmacy_id` where a pharmacy has
            only one.
    """
    return f"""
    CREATE TRIGGER tells AFTER INSERT OR UPDATE ON {table}
        FOR EACH ROW EXECUTE FUNCTION kakari_tell('{channel}', '{of}');
    """


PRESENCE = "presence"
"""The channel that says in which conversation somebody has come, gone, begun or ceased to write."""

TELL_PRESENCE = f"""
CREATE FUNCTION kakari_tell_presence() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    was text := OLD.pharmacy_id || '/' || OLD.conversation_id;
    is_now text := NEW.pharmacy_id || '/' || NEW.conversation_id;
BEGIN
    IF was = is_now AND OLD.state = NEW.state AND NEW.seen_at <= OLD.seen_at + interval '20 seconds' THEN
        RETURN NULL;
    END IF;
    PERFORM pg_notify('{WIRE}', json_build_array('{PRESENCE}', place)::text)
        FROM unnest(ARRAY[was, is_now]) AS place WHERE place IS NOT NULL;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION kakari_tell_presence() FROM PUBLIC;
CREATE TRIGGER tells AFTER INSERT OR UPDATE OR DELETE ON presences
    FOR EACH ROW EXECUTE FUNCTION kakari_tell_presence();
"""
"""A page that says again what is known wakes nobody; one that comes back after it was taken for gone does."""
