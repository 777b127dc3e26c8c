"""Which models could take a retiring one's place, and the one line of the models file that puts one there."""

import os
import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from graph.assemble import Assembled
from pharmacy.domain.errors import ConfigError
from pharmacy.models.known_models import known_model, known_names
from pharmacy.models.model_name import ModelRef
from pharmacy.models.prices import PRICED_PROVIDER, Prices
from pharmacy.models.tables import read_tables
from pharmacy.models.usage import Usage

LEAST_DAYS = 180
"""That a model must still have before its announced last day: who moves wants to stay for a while."""

MOST = 4
_TYPICAL = Usage(prompt_tokens=3_000, completion_tokens=150)
"""Of one call, for comparing prices alone."""


def replacements(assembled: Assembled, node: str, students: Path, today: date) -> list[str]:
    """Return models to try in place of the node's teacher, the cheapest first, four at most.

    Where a provider is asked, those that it has no announced last day for, whose price is known and no higher than the
    teacher's; where none is, the shipped local model and those trained here for the node.
    """
    registry = assembled.registry
    teacher = registry.teacher_of(node)
    if registry.mode == "local":
        trained = sorted((students / node).glob(f"{node}-*.npz"), key=lambda path: -path.stat().st_mtime)
        found = [registry.table(node).local, *(f"local:{path.stem}" for path in trained)]
    else:
        found = _of_provider(Prices(registry.tables.prices), ModelRef.read(teacher), today)
    named = [*([student] if (student := registry.student_of(node)) else []), *found]
    return [ref for ref in dict.fromkeys(named) if ref != teacher and _stays(ref, today)][:MOST]


def _of_provider(prices: Prices, teacher: ModelRef, today: date) -> list[str]:
    most = prices.cost_usd(teacher, None, _TYPICAL)
    costs = {
        ref: cost for name in known_names()
        if _stays(str(ref := ModelRef(PRICED_PROVIDER, name)), today)
        and (cost := prices.cost_usd(ref, None, _TYPICAL)) is not None and (most is None or cost <= most)
    }  # fmt: skip
    return [str(ref) for ref in sorted(costs, key=lambda ref: (costs[ref], ref.name))]


def _stays(ref: str, today: date) -> bool:
    model = ModelRef.read(ref)
    known = None if model.is_local else known_model(model.name)
    return known is None or known.shutdown is None or known.shutdown - today >= timedelta(days=LEAST_DAYS)


def put_teacher(models_file: Path, node: str, key: str, ref: str) -> None:
    """Let the models file name `ref` as the node's `key` (`teacher` or `local`): whole or not at all, all else kept.

    Raises:
        ConfigError: the file has no such line, or would not be readable with the new one.
    """
    lines = models_file.read_text(encoding="utf-8").splitlines(keepends=True)
    at = _place(lines, node, key)
    if at is None:
        raise ConfigError(f"{models_file}: has no line '{key} = …' under [{node}]")
    lines[at] = re.sub(r'(=\s*)"[^"]*"', lambda found: f'{found[1]}"{ref}"', lines[at], count=1)
    beside = models_file.with_name(f".{models_file.name}.{os.getpid()}")
    try:
        beside.write_text("".join(lines), encoding="utf-8")
        read_tables(beside)
        beside.replace(models_file)
    finally:
        beside.unlink(missing_ok=True)


def _place(lines: Iterable[str], node: str, key: str) -> int | None:
    table = ""
    for at, line in enumerate(lines):
        if opened := re.match(r"\s*\[([^\]]+)\]", line):
            table = opened[1].strip()
        elif table == node and re.match(rf"\s*{key}\s*=", line):
            return at
    return None
