"""What a model may be asked for in a minute is counted by all processes together; a call keeps how long it waited."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

# A generic cell rate algorithm, once for requests and once for tokens: `until` is when all that was taken would be
# through at the limit's pace, and it may be ahead of the clock by the seconds' worth that may go out together. What is
# larger than that goes out once as much has been left unused. Whoever may queue is counted for the moment at which it
# may go; whoever may not goes now or is told when to ask again. `until` of a model nobody has asked is long past.
# Source: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
TAKE = """
CREATE FUNCTION kakari_take_turn(
    which text, requests_pace float8, requests_at_once float8, tokens_pace float8, tokens_at_once float8,
    tokens float8, owed_requests float8, owed_tokens float8, ahead_seconds float8, longest_seconds float8,
    clock timestamptz, OUT granted boolean, OUT wait_seconds float8)
    LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
    queue model_queues;
    goes timestamptz;
BEGIN
    -- What a crash of the server forgets is less than a second's calls: no call waits for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO queue FROM model_queues WHERE model = which FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO model_queues VALUES (which, '2000-01-01Z', '2000-01-01Z') ON CONFLICT DO NOTHING;
        SELECT * INTO queue FROM model_queues WHERE model = which FOR UPDATE;
    END IF;
    -- Read once the row is held: before that, others may have moved it on.
    clock := coalesce(clock, clock_timestamp());
    goes := clock;
    IF requests_pace IS NOT NULL THEN
        queue.requests_until := queue.requests_until + make_interval(secs => owed_requests / requests_pace);
        goes := greatest(goes, queue.requests_until + make_interval(secs => (1 - requests_at_once) / requests_pace),
                         queue.requests_until - make_interval(secs => ahead_seconds));
    END IF;
    IF tokens_pace IS NOT NULL THEN
        queue.tokens_until := queue.tokens_until + make_interval(secs => owed_tokens / tokens_pace);
        goes := greatest(goes, queue.tokens_until + make_interval(secs => (tokens - tokens_at_once) / tokens_pace),
                         queue.tokens_until - make_interval(secs => ahead_seconds));
    END IF;
    wait_seconds := extract(epoch FROM goes - clock);
    granted := wait_seconds <= longest_seconds;
    IF granted AND requests_pace IS NOT NULL THEN
        queue.requests_until := greatest(queue.requests_until, goes) + make_interval(secs => 1 / requests_pace);
    END IF;
    IF granted AND tokens_pace IS NOT NULL THEN
        queue.tokens_until := greatest(queue.tokens_until, goes) + make_interval(secs => tokens / tokens_pace);
    END IF;
    UPDATE model_queues SET requests_until = queue.requests_until, tokens_until = queue.tokens_until
    WHERE model = which;
END
$$;
"""
ALLOWED = """
REVOKE EXECUTE ON FUNCTION kakari_take_turn(text, float8, float8, float8, float8, float8, float8, float8, float8,
                                            float8, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kakari_take_turn(text, float8, float8, float8, float8, float8, float8, float8, float8,
                                           float8, timestamptz) TO kakari_app;
REVOKE DELETE ON model_queues FROM kakari_app;
"""


def upgrade() -> None:
    """Make the table and its one way in; calls that were made before waited for nothing."""
    op.create_table(
        "model_queues",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("requests_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tokens_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_model_queues")),
    )
    op.get_bind().exec_driver_sql(TAKE)
    op.get_bind().exec_driver_sql(ALLOWED)
    op.add_column("model_calls", sa.Column("waited_seconds", sa.Double(), nullable=False, server_default="0"))
