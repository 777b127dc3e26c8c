"""What is spent is counted, held against the budgets of day and month, and put right, in one statement a call."""

from alembic import op

revision = "0031"
down_revision = "0030"

# Both run with the caller's own rights, behind the wall of the pharmacy that they are given. A patient's rows come
# before those of all together, so that no two wait for each other, and the row that all share is held shortest.
PUT_RIGHT = """
CREATE FUNCTION kakari_put_spending_right(
    whose text, patient text, days timestamptz[], more_tokens bigint[], more_usd float8[], more_guessed_usd float8[])
    RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('kakari.pharmacy_id', whose, true);
    IF patient IS NOT NULL THEN
        UPDATE spending SET tokens = spending.tokens + owed.tokens, cost_usd = spending.cost_usd + owed.usd,
            guessed_usd = spending.guessed_usd + owed.guessed
        FROM (SELECT day, sum(tokens)::bigint AS tokens, sum(usd) AS usd, sum(guessed) AS guessed
              FROM unnest(days, more_tokens, more_usd, more_guessed_usd) AS one(day, tokens, usd, guessed)
              GROUP BY day) AS owed
        WHERE pharmacy_id = whose AND patient_id = patient AND day_began_at = owed.day;
    END IF;
    UPDATE spending SET tokens = spending.tokens + owed.tokens, cost_usd = spending.cost_usd + owed.usd,
        guessed_usd = spending.guessed_usd + owed.guessed
    FROM (SELECT day, sum(tokens)::bigint AS tokens, sum(usd) AS usd, sum(guessed) AS guessed
          FROM unnest(days, more_tokens, more_usd, more_guessed_usd) AS one(day, tokens, usd, guessed)
          GROUP BY day) AS owed
    WHERE pharmacy_id = whose AND patient_id IS NULL AND day_began_at = owed.day;
END
$$;
"""
# The day's row is held before it is read, so that of two calls the second sees what the first has counted; the clock is
# the database's, which all workers share. `refused` is `patient` or `pharmacy`, and what it says was spent is the day's
# or the month's; then nothing is counted.
SPEND = """
CREATE FUNCTION kakari_spend(
    whose text, patient text, most_tokens bigint, most_usd float8, most_guessed_usd float8, yen_per_usd float8,
    day_tokens bigint[], day_yen float8[], month_yen float8[],
    owed_days timestamptz[], owed_tokens bigint[], owed_usd float8[], owed_guessed_usd float8[],
    OUT day timestamptz, OUT refused text, OUT of_month boolean,
    OUT tokens bigint, OUT cost_usd float8, OUT guessed_usd float8)
    LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
    part text;
    place int;
    month timestamptz;
BEGIN
    PERFORM set_config('kakari.pharmacy_id', whose, true);
    day := date_trunc('day', now(), 'Asia/Tokyo');
    month := date_trunc('month', now(), 'Asia/Tokyo');
    IF cardinality(owed_days) > 0 THEN
        PERFORM kakari_put_spending_right(whose, patient, owed_days, owed_tokens, owed_usd, owed_guessed_usd);
    END IF;
    FOR place IN CASE WHEN patient IS NULL THEN 2 ELSE 1 END .. 2 LOOP
        part := CASE place WHEN 1 THEN patient END;
        SELECT s.tokens, s.cost_usd, s.guessed_usd INTO tokens, cost_usd, guessed_usd FROM spending s
        WHERE s.pharmacy_id = whose AND s.day_began_at = day AND s.patient_id IS NOT DISTINCT FROM part
        FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            INSERT INTO spending VALUES (whose, day, part, 0, 0, 0) ON CONFLICT DO NOTHING;
            SELECT s.tokens, s.cost_usd, s.guessed_usd INTO tokens, cost_usd, guessed_usd FROM spending s
            WHERE s.pharmacy_id = whose AND s.day_began_at = day AND s.patient_id IS NOT DISTINCT FROM part
            FOR NO KEY UPDATE;
        END IF;
        refused := CASE place WHEN 1 THEN 'patient' ELSE 'pharmacy' END;
        of_month := false;
        IF tokens >= day_tokens[place] OR cost_usd * yen_per_usd >= day_yen[place] THEN
            RETURN;
        END IF;
        IF month_yen[place] IS NOT NULL THEN
            of_month := true;
            IF part IS NULL THEN
                SELECT sum(s.tokens), sum(s.cost_usd), sum(s.guessed_usd) INTO tokens, cost_usd, guessed_usd
                FROM spending s WHERE s.pharmacy_id = whose AND s.patient_id IS NULL AND s.day_began_at >= month;
            ELSE
                SELECT sum(s.tokens), sum(s.cost_usd), sum(s.guessed_usd) INTO tokens, cost_usd, guessed_usd
                FROM spending s WHERE s.pharmacy_id = whose AND s.patient_id = part AND s.day_began_at >= month;
            END IF;
            IF cost_usd * yen_per_usd >= month_yen[place] THEN
                RETURN;
            END IF;
        END IF;
    END LOOP;
    refused := NULL;
    PERFORM kakari_put_spending_right(
        whose, patient, ARRAY[day], ARRAY[most_tokens], ARRAY[most_usd], ARRAY[most_guessed_usd]);
END
$$;
"""
_RIGHT = "kakari_put_spending_right(text, text, timestamptz[], bigint[], float8[], float8[])"
_SPEND = (
    "kakari_spend(text, text, bigint, float8, float8, float8, bigint[], float8[], float8[], timestamptz[], bigint[],"
    " float8[], float8[])"
)


def upgrade() -> None:
    """Make the functions, and a way to one patient's month that passes no other patient's rows."""
    op.create_index("ix_spending_of", "spending", ["pharmacy_id", "patient_id", "day_began_at"])
    for statement in (PUT_RIGHT, SPEND):
        op.get_bind().exec_driver_sql(statement)
    for function in (_RIGHT, _SPEND):
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO kakari_app")
