"""What the columns of the replay show: cost by the records, and outcomes held against those of the teachers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pharmacy.domain.share import Share
from pharmacy.models.remembered import ASKED
from tests.bench.cost.played import Came, Played

_CALLS = ("calls", "prompt_tokens", "cached_tokens", "completion_tokens", "cost_usd")
_PARTS = ("outcome", "category", "phase")


def column_figures(played: Played, base: Played) -> dict[str, Any]:
    """Return a column's figures; all cost and tokens are those of Kakari's records."""
    total, messages = played.figures["total"]["calls"], len(played.came)
    usd, base_usd = total["cost_usd"], base.figures["total"]["calls"]["cost_usd"]
    pairs = [(came.said, base.came[key].said) for key, came in played.came.items()]
    drafts = [came for came in played.came.values() if came.passes is not None]
    return {
        "name": played.column.name, "label": played.column.label, "messages": messages,
        **{name: total[name] for name in _CALLS},
        "usd_per_message": usd / messages, "of_teacher": usd / base_usd,
        "by_node": {node["node"]: {name: node[name] for name in _CALLS} for node in played.figures["by_node"]
                    if node["calls"]},
        "by_model": {model["model"]: model["cost_usd"] for model in played.figures["by_model"]},
        "recalled": sum(one["calls"] for one in played.figures["by_model"] if one["model"] == ASKED),
        "same": {"all": _share(mine == theirs for mine, theirs in pairs),
                 **{part: _share(mine[at] == theirs[at] for mine, theirs in pairs) for at, part in enumerate(_PARTS)}},
        "suggested": _share(came.outcome == "suggestion" for came in played.came.values()),
        "drafts_passed": _share(bool(came.passes) for came in drafts),
        "drafts_right": _share(bool(came.right) for came in drafts),
        "changed": _changed(played.came, base.came),
        "records_less_outcomes_usd": usd - played.outcomes_usd,
        "records_less_provider_tokens": total["prompt_tokens"] - played.provider["prompt_tokens"],
    }  # fmt: skip


def all_figures(columns: Sequence[Played]) -> list[dict[str, Any]]:
    """Return the figures of every column; the first is what the others are held against."""
    return [column_figures(one, columns[0]) for one in columns]


def _changed(mine: Mapping[tuple[str, int], Came], theirs: Mapping[tuple[str, int], Came]) -> dict[str, int]:
    """Return how many messages came to something else than with the base, by from what to what."""
    found: dict[str, int] = {}
    for key, came in mine.items():
        if came.outcome != theirs[key].outcome:
            name = f"{theirs[key].outcome} to {came.outcome}"
            found[name] = found.get(name, 0) + 1
    return found


def _share(of: Iterable[bool]) -> dict[str, float]:
    hits = [*of]
    share = Share(sum(hits), len(hits))
    low, high = share.interval
    return {"hits": share.hits, "of": share.of, "share": share.value, "low": low, "high": high}
