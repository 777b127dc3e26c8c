"""What is counted for Prometheus: never a patient, never a conversation."""

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pharmacy.channels.line.events import Effect
from pharmacy.domain.model import ModelCall
from pharmacy.domain.outcome import Outcome
from pharmacy.storage import cases, model_queue, pharmacies, reading, signs, spending
from pharmacy.storage.refusals import StoreBusy
from server.program import Program

REGISTRY = CollectorRegistry()

OUTCOMES = Counter(
    "kakari_outcomes_total", "Outcomes written by this process.", ["outcome", "reason", "tier"], registry=REGISTRY
)
RUN_SECONDS = Histogram(
    "kakari_run_seconds",
    "Seconds from a run's begin to its end.",
    registry=REGISTRY,
    buckets=(0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120),
)
COST = Counter(
    "kakari_cost_usd_total", "US dollars spent on models by this process, where the price is known.", registry=REGISTRY
)
WAITING = Gauge("kakari_waiting", "Items that wait for a person.", ["queue"], registry=REGISTRY)
OPEN_CASES = Gauge(
    "kakari_open_cases", "Cases that wait for a person; the tier is empty where no gate held.", ["tier"],
    registry=REGISTRY,
)  # fmt: skip
GATES_CLOSED = Gauge(
    "kakari_gates_closed", "1 while the gate's rules cannot be read and every message is held.", registry=REGISTRY
)

LINE_EVENTS = Counter("kakari_line_events_total", "Events of LINE's webhook taken.", ["effect"], registry=REGISTRY)
for _effect in Effect:
    LINE_EVENTS.labels(_effect.value)  # from 0 on, or an alert rule would not see the first one

DATABASE_UP = Gauge("kakari_database_up", "1 while the database answers.", registry=REGISTRY)
READY = Gauge("kakari_ready", "1 while messages can be taken and answered, as /readyz says.", registry=REGISTRY)
OLDEST = Gauge(
    "kakari_oldest_seconds",
    "How long the oldest has waited: unanswered message, unacknowledged emergency, open case, text that is due.",
    ["what"], registry=REGISTRY,
)  # fmt: skip
UNACKNOWLEDGED = Gauge(
    "kakari_unacknowledged_emergencies", "Open cases of tier E that nobody has acknowledged.", registry=REGISTRY
)
TEXTS = Gauge("kakari_texts", "Texts on their way, and those given up within a day.", ["state"], registry=REGISTRY)
ALARMS = Gauge(
    "kakari_alarms_undelivered", "Alarms of the last day that after a minute reached nobody.", registry=REGISTRY
)
KILL_SWITCHES = Gauge("kakari_kill_switches_on", "Pharmacies whose automatic sending is stopped.", registry=REGISTRY)
SPENT_TOKENS = Gauge("kakari_spent_tokens", "Tokens counted for today in Japan, of all processes.", registry=REGISTRY)
SPENT_USD = Gauge("kakari_spent_usd", "US dollars counted for today in Japan, of all processes; unknown prices by "
                  "estimate.", registry=REGISTRY)  # fmt: skip
BUDGETS_REACHED = Gauge(
    "kakari_budgets_reached", "Budgets of today that are used up: whole pharmacies', single patients'.", ["of"],
    registry=REGISTRY,
)  # fmt: skip
BUDGET_PART = Gauge(
    "kakari_budget_used_share", "Share of a pharmacy's budget that is used, where it is largest; 0 without one.",
    ["of"], registry=REGISTRY,
)  # fmt: skip
BREAKERS = Gauge("kakari_breakers_open", "Model endpoints that this process does not call at present.",
                 registry=REGISTRY)  # fmt: skip
RECENT_CALLS = Gauge(
    "kakari_recent_model_calls", "Model calls of the last five minutes, of all processes.", ["ended"], registry=REGISTRY
)
MODEL_WAIT_SECONDS = Histogram(
    "kakari_model_wait_seconds",
    "Seconds that calls of limited models waited for their turn.",
    registry=REGISTRY,
    buckets=(0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60),
)
MODEL_QUEUE = Gauge(
    "kakari_model_queue_seconds", "How long a patient's call would wait now for its turn at the limited model where "
    "that is longest, of all processes.", registry=REGISTRY,
)  # fmt: skip
JOBS = Gauge("kakari_jobs", "Jobs of all processes.", ["queue", "status"], registry=REGISTRY)
STALLED = Gauge("kakari_jobs_stalled", "Jobs in hand of a worker that gives no sign of life.", registry=REGISTRY)
DATABASE_BYTES = Gauge("kakari_database_bytes", "Size of the database.", registry=REGISTRY)
DISK_FREE = Gauge("kakari_disk_free_bytes", "Free space where KAKARI_HOME is.", registry=REGISTRY)
AUDIT_BROKEN = Gauge("kakari_audit_broken", "Pharmacies whose audit trail does not hold.", registry=REGISTRY)
AUDIT_VERIFIED = Gauge(
    "kakari_audit_verified_timestamp_seconds", "When this process last walked the audit trail.", registry=REGISTRY
)


FRESH_SECONDS = 5.0
"""How long what was read from the store is good enough: whoever may call, /metrics is no way to keep it busy."""


class Figures:
    """What is read from the store, at most once in a while, however many ask."""

    def __init__(self, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._fresh_seconds = fresh_seconds
        self._reading = asyncio.Lock()
        self._read_at: float | None = None

    async def bring_up_to_date(self, program: Program) -> None:
        """Read the store unless that was just done; who asks meanwhile waits for the same answer."""
        async with self._reading:
            if self._read_at is None or time.monotonic() - self._read_at >= self._fresh_seconds:
                await read_queues(program)
                self._read_at = time.monotonic()


def count_outcome(outcome: Outcome, seconds: float) -> None:
    """Count a written outcome and how long its run took."""
    reason = outcome.reason
    OUTCOMES.labels(outcome.kind.value, reason.code if reason else "", reason.tier or "" if reason else "").inc()
    RUN_SECONDS.observe(seconds)
    COST.inc(outcome.cost_usd or 0.0)


def count_calls(calls: Sequence[ModelCall]) -> None:
    """Count how long a run's calls stood in the queues of their models."""
    for call in calls:
        if call.waited_seconds > 0:
            MODEL_WAIT_SECONDS.observe(call.waited_seconds)


async def read_queues(program: Program) -> None:
    """Bring what is read from the store up to date; while it is busy the last figures stay and it counts as down."""
    GATES_CLOSED.set(bool(program.assembled.gates_closed_by))
    BREAKERS.set(len(program.assembled.registry.open_breakers))
    try:
        async with program.database.begin_without_pharmacy() as tx:
            revision, worker = await reading.readiness(tx)
            served = await pharmacies.every(tx)
            _show_jobs(await signs.of_queue(tx))
            DATABASE_BYTES.set(await signs.database_bytes(tx))
            limits = program.assembled.registry.tables.model_limits
            MODEL_QUEUE.set(max((await model_queue.waits(tx, limits)).values(), default=0.0) if limits else 0.0)
        waiting, tiers, seen = Tally[str](), Tally[str](), signs.Signs()
        used, budgets = {"day": 0.0, "month": 0.0}, program.settings.budgets
        for pharmacy_id in served:
            async with program.database.begin(pharmacy_id) as tx:
                waiting.update(await reading.counts(tx, pharmacy_id))
                tiers.update({of or "": n for of, n in (await cases.open_by_tier(tx, pharmacy_id)).items()})
                seen = seen.and_of(await signs.of_pharmacy(tx))
                day, month = await spending.spent(tx)
            used["day"] = max(used["day"], budgets.in_all.used_part(day, budgets.rate))
            used["month"] = max(used["month"], budgets.in_all_month.used_part(month, budgets.rate))
    except StoreBusy:
        DATABASE_UP.set(0)
        READY.set(0)
        return
    DATABASE_UP.set(1)
    READY.set(worker and revision == program.database.revision)
    for queue, count in waiting.items():
        WAITING.labels(queue).set(count)
    for tier, count in tiers.items():
        OPEN_CASES.labels(tier).set(count)
    for of, share in used.items():
        BUDGET_PART.labels(of).set(share)
    _show_signs(seen)


def _show_signs(seen: signs.Signs) -> None:
    for what in ("unanswered", "emergency", "case", "text"):
        OLDEST.labels(what).set(getattr(seen, f"oldest_{what}_seconds"))
    UNACKNOWLEDGED.set(seen.unacknowledged_emergencies)
    TEXTS.labels("queued").set(seen.texts_queued)
    TEXTS.labels("parked").set(seen.texts_parked)
    ALARMS.set(seen.alarms_undelivered)
    KILL_SWITCHES.set(seen.kill_switches_on)
    SPENT_TOKENS.set(seen.spent_tokens)
    SPENT_USD.set(seen.spent_usd)
    BUDGETS_REACHED.labels("pharmacy").set(seen.budgets_reached)
    BUDGETS_REACHED.labels("patient").set(seen.patient_budgets_reached)
    RECENT_CALLS.labels("well").set(seen.recent_calls - seen.recent_failed_calls)
    RECENT_CALLS.labels("failed").set(seen.recent_failed_calls)


def _show_jobs(depths: Sequence[signs.Depth]) -> None:
    JOBS.clear()
    for depth in depths:
        JOBS.labels(depth.queue, depth.status).set(depth.jobs)
    STALLED.set(sum(depth.stalled for depth in depths))
