"""What each node has asked of which model, and what that cost; what became of the drafts that a model wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.share import Share

# A try that came to nothing is a call too: it took time, and tokens where the provider counted any.
_CALLS = text("""
SELECT node, model_asked, count(*) AS calls, count(DISTINCT run_id) AS runs,
       count(*) FILTER (WHERE error IS NOT NULL) AS failed, sum(cost_usd) AS cost_usd,
       count(*) FILTER (WHERE cost_usd IS NULL) AS unpriced, sum(prompt_tokens) AS prompt_tokens,
       sum(cached_tokens) AS cached_tokens, sum(completion_tokens) AS completion_tokens
FROM model_calls
WHERE pharmacy_id = :pharmacy_id AND started_at >= now() - make_interval(days => :days)
GROUP BY GROUPING SETS ((node), (node, model_asked)) ORDER BY node, calls DESC, model_asked
""")
_DRAFTS = text("""
SELECT 'generate_' || category AS node, model, count(*) FILTER (WHERE state = 'approved') AS approved,
       count(*) AS decided
FROM suggestions
WHERE pharmacy_id = :pharmacy_id AND decided_at >= now() - make_interval(days => :days)
  AND state IN ('approved', 'edited', 'rejected', 'regenerated') AND category IS NOT NULL AND model IS NOT NULL
GROUP BY category, model ORDER BY category, model
""")


@dataclass(frozen=True)
class Asked:
    """What was asked within some days."""

    calls: int = 0
    runs: int = 0
    """Runs in which it was asked at all: a patient's message, or several that got one reply."""

    failed: int = 0
    """Calls that came to nothing."""

    cost_usd: float | None = 0.0
    """Of all calls; None where the price of any of them is unknown."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0

    @property
    def usd_of_a_run(self) -> float | None:
        """What one run's calls cost on average; None where that is unknown, or nothing was asked."""
        return None if self.cost_usd is None or not self.runs else self.cost_usd / self.runs


@dataclass(frozen=True)
class OfNode:
    """One node's calls."""

    in_all: Asked = Asked()
    by_model: Mapping[str, Asked] = field(default_factory=dict)
    """`provider:name` to its part, the most asked first."""


async def of_nodes(tx: AsyncConnection, pharmacy_id: str, days: int) -> dict[str, OfNode]:
    """Return node to what it asked within the last `days`; a node that asked nothing is left out."""
    found: dict[str, tuple[Asked, dict[str, Asked]]] = {}
    for row in await tx.execute(_CALLS, {"pharmacy_id": pharmacy_id, "days": days}):
        whole, models = found.get(row.node, (Asked(), {}))
        if row.model_asked is None:
            whole = _asked(row)
        else:
            models[row.model_asked] = _asked(row)
        found[row.node] = whole, models
    return {node: OfNode(*parts) for node, parts in found.items()}


async def sent_as_written(tx: AsyncConnection, pharmacy_id: str, days: int) -> dict[str, dict[str, Share]]:
    """Return generator and model to the share of its decided drafts that went out as they were."""
    found: dict[str, dict[str, Share]] = {}
    for row in await tx.execute(_DRAFTS, {"pharmacy_id": pharmacy_id, "days": days}):
        found.setdefault(row.node, {})[row.model] = Share(row.approved, row.decided)
    return found


def _asked(row: Any) -> Asked:
    cost = None if row.unpriced else float(row.cost_usd or 0)
    tokens = (int(row.prompt_tokens), int(row.cached_tokens), int(row.completion_tokens))
    return Asked(row.calls, row.runs, row.failed, cost, *tokens)
