"""Take LINE's events: those of one patient in their order, and many patients' in one transaction."""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import zip_longest

from pharmacy.channels.line.events import Effect, LineEvent
from pharmacy.storage import audit, erasure, line_events
from pharmacy.storage.database import Transaction
from pharmacy.storage.refusals import StoreBusy
from server import metrics
from server.line_changes import change, kept
from server.line_messages import Told, take_messages, words_of
from server.program import Program
from server.rounds import Way
from server.taking import Judged, judge_words

TOGETHER = 25
"""How many events of one patient are taken at once, at most: nobody waits long behind them."""


OfPatient = Sequence[tuple[LineEvent, Judged | None]]
"""Events of one patient in their order, each with what the gates found where it is a message."""


async def take_events(program: Program, pharmacy_id: str, events: Sequence[LineEvent]) -> None:
    """Commit what events of one patient do, in their order and together; the same event again does nothing.

    Raises:
        StoreBusy: at least one was not written.
    """
    with program.doorway.taking():
        # The gates read before the transaction begins: it waits for nothing but the store.
        read = [(event, await _judged(program, event)) for event in events]
        try:
            await _commit(program, pharmacy_id, read)
        except StoreBusy:
            raise
        except Exception:
            if len(events) == 1:
                raise
            # The one that cannot be taken keeps none out that came before it.
            for each in read:
                await _commit(program, pharmacy_id, [each])


async def take_idle(program: Program, pharmacy_id: str, events: Sequence[LineEvent]) -> None:
    """Commit the keeping of events that do nothing, all in one transaction.

    Raises:
        StoreBusy: nothing was written.
    """
    rows = [kept(pharmacy_id, event, "ignored") for event in events]
    async with program.rounds.alone:
        await program.database.transact(lambda tx: line_events.keep_all(tx, rows), pharmacy_id)
    metrics.LINE_EVENTS.labels(Effect.NOTHING.value).inc(len(rows))


async def _judged(program: Program, event: LineEvent) -> Judged | None:
    await asyncio.sleep(0)  # many events of one body keep nobody else waiting
    return judge_words(program, words_of(event)) if event.effect is Effect.MESSAGE else None


async def _commit(program: Program, pharmacy_id: str, read: OfPatient) -> None:
    if _is_plain(read):
        way, take = Way("line", pharmacy_id), partial(_take, program, pharmacy_id)
        await program.rounds.taken(way, read, take, keys=_keys(read), size=len(read))
    else:
        async with program.rounds.alone:
            await _take(program, pharmacy_id, [read])


def _is_plain(read: OfPatient) -> bool:
    """Say whether they are messages that only wait for a reply: all else takes more locks than its own patient's, or
    is not to wait for anybody's."""
    return all(judged is not None and judged.emergency is None for _, judged in read)


def _keys(read: OfPatient) -> set[str]:
    """Return whom they are of, and which they are."""
    return {key for event, _ in read for key in (event.user_id, event.event_id) if key}


async def _take(program: Program, pharmacy_id: str, patients: Sequence[OfPatient]) -> Sequence[None]:
    """Commit all of it, of one pharmacy, in one transaction."""

    async def work(tx: Transaction) -> list[tuple[LineEvent, Told]]:
        told: list[tuple[LineEvent, Told]] = []
        async with audit.together(tx):
            for wave in zip_longest(*patients):
                fresh = [each for each in wave if each and not await _is_erased(tx, pharmacy_id, each[0])]
                messages = [(event, judged) for event, judged in fresh if judged is not None]
                told += await take_messages(tx, program, pharmacy_id, messages)
                told += [(event, await change(tx, program, pharmacy_id, event)) for event, no in fresh if no is None]
        return told

    for event, tell in await program.database.transact(work, pharmacy_id):
        tell()
        metrics.LINE_EVENTS.labels(event.effect.value).inc()
    return [None for _ in patients]


async def _is_erased(tx: Transaction, pharmacy_id: str, event: LineEvent) -> bool:
    # Not one that comes for the first time: whatever is repeated may be of a patient who was erased meanwhile.
    return event.redelivered and await erasure.is_erased(tx, pharmacy_id, event.event_id)
