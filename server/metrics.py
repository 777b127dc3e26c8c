"""What is counted for Prometheus: never a patient, never a conversation."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pharmacy.domain.outcome import Outcome
from pharmacy.storage import cases, reading
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


def count_outcome(outcome: Outcome, seconds: float) -> None:
    """Count a written outcome and how long its run took."""
    reason = outcome.reason
    OUTCOMES.labels(outcome.kind.value, reason.code if reason else "", reason.tier or "" if reason else "").inc()
    RUN_SECONDS.observe(seconds)
    COST.inc(outcome.cost_usd or 0.0)


async def read_queues(program: Program) -> None:
    """Bring the queues' lengths up to date; while the store is busy the last ones stay."""
    GATES_CLOSED.set(bool(program.assembled.gates_closed_by))
    try:
        async with program.database.begin() as tx:
            for queue, count in (await reading.counts(tx, program.settings.pharmacy_id)).items():
                WAITING.labels(queue).set(count)
            for tier, count in (await cases.open_by_tier(tx, program.settings.pharmacy_id)).items():
                OPEN_CASES.labels(tier or "").set(count)
    except StoreBusy:
        return
