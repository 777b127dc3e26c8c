"""What a person should know at start about the models in use: none of it stops the start."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from pharmacy.models.known_models import known_model, takes_temperature
from pharmacy.models.model_name import ModelRef, maker_of, undated
from pharmacy.models.prices import Prices
from pharmacy.models.tables import ModelTables, NodeTable

DAYS_OF_WARNING = (90, 30, 7)
"""Before an announced last day: from the first on it is said, from the others on more urgently."""

_URGENCY = {90: "is announced to stop", 30: "SOON: is announced to stop", 7: "NOW: is announced to stop"}
JUDGE = "judge"


def advice_on(tables: ModelTables, prices: Prices, today: date) -> tuple[str, ...]:
    """Return one sentence per thing to know, each once, in the file's order."""
    found = [
        *_on_models(tables.nodes, prices, today),
        *_on_settings(tables.nodes),
        *_on_cost(tables, prices),
        *_on_judge(tables.nodes),
    ]
    return tuple(dict.fromkeys(found))


def _on_models(nodes: Mapping[str, NodeTable], prices: Prices, today: date) -> Iterator[str]:
    served: dict[str, list[str]] = {}
    for node, table in nodes.items():
        for named in table.refs:
            served.setdefault(named, []).append(node)
    for ref in map(ModelRef.read, served):
        if ref.is_local:
            continue
        known = known_model(ref.name)
        if known is None:
            yield f"{ref}: context size and last day are not known"
        elif known.shutdown is not None:
            yield from _on_last_day(ref, served[str(ref)], known.shutdown, today)
        if prices.of(ref) is None:
            yield (
                f"{ref}: price is not known, so cost figures that include it stay unknown and budgets count it "
                "at the dearest known price; set it under [prices]"
            )


def _on_last_day(ref: ModelRef, nodes: Sequence[str], last: date, today: date) -> Iterator[str]:
    days = (last - today).days
    fix = f"kakari drill {nodes[0]}" + (f", and for {', '.join(nodes[1:])}" if nodes[1:] else "")
    if days <= 0:
        yield f"{ref}: was announced to stop on {last}; expect refusals; what can take its place: {fix}"
        return
    reached = [least for least in DAYS_OF_WARNING if days <= least]
    if reached:
        yield f"{ref}: {_URGENCY[reached[-1]]} on {last}, in {days} days; what can take its place: {fix}"


def _on_settings(nodes: Mapping[str, NodeTable]) -> Iterator[str]:
    for node, table in nodes.items():
        for ref in map(ModelRef.read, table.refs):
            known = None if ref.is_local else known_model(ref.name)
            if known and table.max_output_tokens > known.output:
                yield f"[{node}] max_output_tokens is {table.max_output_tokens}; {ref} writes at most {known.output}"
            if table.temperature is not None and not takes_temperature(ref.name, table.reasoning_effort):
                yield f"[{node}] temperature is not sent to {ref}, which takes only its default"


def _on_cost(tables: ModelTables, prices: Prices) -> Iterator[str]:
    for node, table in tables.nodes.items():
        if table.cheaper is None:
            continue
        dear, cheap = (prices.most_usd(ModelRef.read(ref), 1000, 1000) for ref in (table.teacher, table.cheaper))
        if dear is not None and (cheap is None or cheap >= dear):
            yield f"[{node}] cheaper {table.cheaper!r} does not cost less than {table.teacher!r}: it is never asked"
    named = {ref for table in tables.nodes.values() for ref in map(ModelRef.read, table.refs)}
    covered = {name for ref in named for name in (str(ref), f"{ref.provider}:{undated(ref.name)}")}
    for name in tables.model_limits:
        if name not in covered:
            yield f"[model_limits.{name!r}]: no node names this model; it limits only trials of it"


def _on_judge(nodes: Mapping[str, NodeTable]) -> Iterator[str]:
    if JUDGE not in nodes:
        return
    judge = ModelRef.read(nodes[JUDGE].teacher)
    judged = (ref for node, table in nodes.items() if node.startswith("generate_") for ref in table.refs)
    for ref in map(ModelRef.read, dict.fromkeys(judged)):
        if not judge.is_local and not ref.is_local and maker_of(judge.name) == maker_of(ref.name):
            yield f"the judge {judge} is of the same family as {ref}, which it marks: models favour their kin"
