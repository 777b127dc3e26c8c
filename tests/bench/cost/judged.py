"""Have the teacher's judge mark every draft that was suggested, whoever judged it then, from the recorded blanks."""

import asyncio
from collections.abc import Mapping

import psycopg

from nodes.judge import BLANKS, verdict_schema
from pharmacy.storage.address import libpq, read_address
from tests.bench.ways.steps import Steps, built

_AT_ONCE = 16

# The last judgement of a run is that of the draft that was suggested.
_JUDGED = """
SELECT DISTINCT ON (s.id) s.id::text, c.blanks
FROM suggestions s JOIN model_calls c ON c.run_id = s.run_id AND c.node = 'judge' AND c.error IS NULL
ORDER BY s.id, c.seq DESC
"""


async def passed(database: str, provider: str) -> dict[str, bool]:
    """Return for each suggestion whether it clears every bar of the teacher's judge; Kakari's records stay as they are.

    Args:
        database: its address, as the owner.
        provider: where the teacher is asked.
    """
    with psycopg.connect(libpq(read_address(database))) as connection:
        rows = connection.execute(_JUDGED).fetchall()
    steps = Steps(built(provider))
    waiting, found = iter(rows), dict[str, bool]()

    async def one_after_another() -> None:
        for suggestion, blanks in waiting:
            found[suggestion] = await _passes(steps, blanks)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(one_after_another())
    finally:
        await steps.assembled.registry.aclose()
    return found


async def _passes(steps: Steps, blanks: Mapping[str, str]) -> bool:
    prompt = steps.words["judge"]({name: blanks[name] for name in BLANKS})
    models = steps.assembled.models_for_run()
    verdict = await models.model("judge").answer(prompt, verdict_schema(steps.assembled.flow))
    return steps.clears(verdict.model_dump())
