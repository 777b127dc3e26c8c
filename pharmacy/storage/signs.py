"""What should wake someone, read from the store in one query for each pharmacy and one for the queue."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

RECENT_SECONDS = 300
"""How far back model calls are looked at."""

# A call's number rises with its time; so many of the newest are enough for the last minutes, and are found by key.
_NEWEST_CALLS = 2000

_OF_PHARMACY = text("""
WITH recent AS MATERIALIZED (
    SELECT error FROM (SELECT error, started_at FROM model_calls ORDER BY seq DESC LIMIT :calls) AS newest
    WHERE started_at > now() - make_interval(secs => :seconds)
), today AS MATERIALIZED (
    SELECT patient_id, tokens, cost_usd, refusal FROM spending
    WHERE day_began_at = date_trunc('day', now(), 'Asia/Tokyo')
)
SELECT
    (SELECT coalesce(extract(epoch FROM now() - min(received_at)), 0) FROM messages
     WHERE outcome_id IS NULL AND author = 'patient') AS oldest_unanswered_seconds,
    (SELECT count(*) FROM handovers
     WHERE state = 'open' AND tier = 'E' AND acknowledged_at IS NULL) AS unacknowledged_emergencies,
    (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM handovers
     WHERE state = 'open' AND tier = 'E' AND acknowledged_at IS NULL) AS oldest_emergency_seconds,
    (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM handovers
     WHERE state = 'open') AS oldest_case_seconds,
    (SELECT count(*) FROM outbox WHERE state = 'queued') AS texts_queued,
    (SELECT coalesce(extract(epoch FROM now() - min(greatest(created_at, not_before))), 0) FROM outbox
     WHERE state = 'queued' AND coalesce(not_before, created_at) <= now()) AS oldest_text_seconds,
    (SELECT count(*) FROM outbox WHERE state = 'parked' AND created_at > now() - interval '1 day') AS texts_parked,
    (SELECT count(*) FROM alarms WHERE state IN ('queued', 'parked')
     AND created_at BETWEEN now() - interval '1 day' AND now() - interval '1 minute') AS alarms_undelivered,
    (SELECT coalesce(bool_or(is_on), false)::int FROM
     (SELECT is_on FROM kill_switches ORDER BY seq DESC LIMIT 1) AS newest) AS kill_switches_on,
    (SELECT coalesce(sum(tokens), 0)::bigint FROM today WHERE patient_id IS NULL) AS spent_tokens,
    (SELECT coalesce(sum(cost_usd), 0) FROM today WHERE patient_id IS NULL) AS spent_usd,
    (SELECT count(*) FROM today WHERE patient_id IS NULL AND refusal IS NOT NULL) AS budgets_reached,
    (SELECT count(*) FROM today WHERE patient_id IS NOT NULL AND refusal IS NOT NULL) AS patient_budgets_reached,
    (SELECT count(*) FROM recent) AS recent_calls,
    (SELECT count(*) FROM recent WHERE error IS NOT NULL) AS recent_failed_calls
""")

_JOBS = text("""
SELECT job.queue_name, job.status::text AS status, count(*) AS jobs,
       count(*) FILTER (WHERE job.status = 'doing'
                        AND coalesce(worker.last_heartbeat < now() - interval '15 seconds', true)) AS stalled
FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status IN ('todo', 'doing') GROUP BY 1, 2
""")

_SIZE = text("SELECT pg_database_size(current_database())")


@dataclass(frozen=True)
class Signs:
    """The figures of one pharmacy, or of several together."""

    oldest_unanswered_seconds: float = 0.0
    """Age of the oldest patient message that has no outcome; 0 when there is none."""

    unacknowledged_emergencies: int = 0
    oldest_emergency_seconds: float = 0.0
    """Age of the oldest emergency that nobody has acknowledged."""

    oldest_case_seconds: float = 0.0
    texts_queued: int = 0
    oldest_text_seconds: float = 0.0
    """How long the oldest text has been due and is not sent."""

    texts_parked: int = 0
    """Texts of the last day that were given up, each with its open case."""

    alarms_undelivered: int = 0
    """Alarms of the last day that after a minute have reached nobody."""

    kill_switches_on: int = 0
    spent_tokens: int = 0
    """What models cost since midnight in Japan, with what calls in hand may cost at most."""

    spent_usd: float = 0.0
    budgets_reached: int = 0
    """Pharmacies whose budget of today is used up."""

    patient_budgets_reached: int = 0
    """Patients whose budget of today is used up."""

    recent_calls: int = 0
    recent_failed_calls: int = 0

    def and_of(self, other: "Signs") -> "Signs":
        """Return both together: ages by the older one, counts by their sum."""
        both = {
            of.name: max(getattr(self, of.name), getattr(other, of.name))
            if of.name.endswith("_seconds")
            else getattr(self, of.name) + getattr(other, of.name)
            for of in fields(self)
        }
        return Signs(**both)


@dataclass(frozen=True)
class Depth:
    """How many jobs of one queue are in one state."""

    queue: str
    status: str
    jobs: int
    stalled: int
    """Those in hand whose worker's heart stands still."""


async def of_pharmacy(tx: AsyncConnection) -> Signs:
    """Return the figures of the pharmacy whose rows the transaction sees."""
    row = (await tx.execute(_OF_PHARMACY, {"calls": _NEWEST_CALLS, "seconds": RECENT_SECONDS})).one()
    # An age comes as a decimal number, which the gauges do not take.
    told: dict[str, Any] = {
        of.name: float(value) if isinstance(value := getattr(row, of.name), Decimal) else value for of in fields(Signs)
    }
    return Signs(**told)


async def of_queue(tx: AsyncConnection) -> list[Depth]:
    """Return how many jobs wait and are in hand, of all pharmacies."""
    return [Depth(row.queue_name, row.status, row.jobs, row.stalled) for row in await tx.execute(_JOBS)]


async def database_bytes(tx: AsyncConnection) -> int:
    """Return the size of the database."""
    return int((await tx.execute(_SIZE)).scalar_one())
