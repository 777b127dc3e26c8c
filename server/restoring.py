"""After a restore from a backup nothing goes out by itself: what may have been sent or answered waits for people."""

import asyncio
import json
import logging
import os
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from nodes.hand_over import hand_over, with_gates
from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.outcome import Outcome, Reason
from pharmacy.domain.unsent_for import Problem, UnsentFor
from pharmacy.storage import audit_verify, outbox, pharmacies, policy, restores, runs
from pharmacy.storage.audit_verify import Head
from pharmacy.storage.refusals import StoreBusy
from pharmacy.storage.restores import DETAIL, REASON, Noted, Uncertain
from server.program import Program

HEADS_FILE = "audit-heads.json"
"""In KAKARI_HOME, outside the database: what it last was, so that an older one is noticed."""

PATIENCE_SECONDS = 120
ACTOR = "program"

log = logging.getLogger(__name__)


async def hold_if_restored(program: Program, found_by: str | None = None, actor: str = ACTOR) -> bool:
    """Hold everything that a backup cannot vouch for; to be called before any job is worked on. Say whether it was so.

    Args:
        found_by: why it is so for certain, where a person says it; None looks for the signs.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await _hold(program, found_by, actor)
            except StoreBusy as error:
                log.warning("restore_look_put_off reason=%s", error)
                await asyncio.sleep(0.5)


async def note_heads(program: Program) -> None:
    """Write down, outside the database, how far each audit trail has come."""
    heads = {}
    async with program.database.begin_without_pharmacy() as tx:
        served, at = await pharmacies.every(tx), await restores.now(tx)
    for pharmacy_id in served:
        async with program.database.begin(pharmacy_id) as tx:
            heads[pharmacy_id] = (await audit_verify.head(tx, pharmacy_id)).told
    place = program.settings.home / HEADS_FILE
    await asyncio.to_thread(_replace, place, json.dumps({"at": at.isoformat(), "heads": heads}))


async def _hold(program: Program, found_by: str | None, actor: str) -> bool:
    noted = await asyncio.to_thread(_noted, program.settings.home / HEADS_FILE)
    async with program.database.begin_without_pharmacy() as alone:
        await restores.alone(alone)
        sign = found_by or await restores.found_by(alone, program.database, noted)
        if sign is None:
            return False
        if sign != restores.FIRST_START:
            log.error("database_restored sign=%r; texts and messages wait for people, automatic sending stops", sign)
            for pharmacy_id in await pharmacies.every(alone):
                await _hold_pharmacy(program, pharmacy_id, sign, actor)
        # Last: a start that is cut short finds the same signs again.
        await restores.note(alone, sign)
    await note_heads(program)
    return sign != restores.FIRST_START


async def _hold_pharmacy(program: Program, pharmacy_id: str, sign: str, actor: str) -> None:
    database, silent = program.database, program.bell.without_words()
    async with database.begin(pharmacy_id) as tx:
        await policy.turn(tx, pharmacy_id, actor, is_on=True, reason=f"{REASON}: {sign}")
        held = await restores.uncertain(tx, pharmacy_id)
    lost = Problem(UnsentFor.RESTORED, DETAIL)
    for outbox_id in held.texts:
        work = partial(outbox.park, jobs=program.jobs, pharmacy_id=pharmacy_id, outbox_id=outbox_id, problem=lost)
        await database.transact(work, pharmacy_id)
    for of in held.unanswered:
        hand_over_all = partial(
            runs.give_up, bell=silent, pharmacy_id=pharmacy_id, conversation_id=of, request_id=None, parked=_handed_over
        )
        await database.transact(hand_over_all, pharmacy_id)
    for of in held.undecided:
        await database.transact(partial(restores.warn, pharmacy_id=pharmacy_id, conversation_id=of), pharmacy_id)
    await _tell(program, pharmacy_id, sign, actor, held)


async def _tell(program: Program, pharmacy_id: str, sign: str, actor: str, held: Uncertain) -> None:
    async with program.database.begin(pharmacy_id) as tx:
        await restores.tell(tx, pharmacy_id, actor, sign, held)
    log.error(
        "restored_held pharmacy=%s texts=%d unanswered=%d undecided=%d",
        pharmacy_id, len(held.texts), len(held.unanswered), len(held.undecided),
    )  # fmt: skip


def _handed_over(phase: str, hits: Sequence[GateHit]) -> Outcome:
    return hand_over(with_gates(Reason(REASON, DETAIL), hits), None, phase)


def _noted(place: Path) -> Noted | None:
    try:
        told = json.loads(place.read_text(encoding="utf-8"))
        return Noted(datetime.fromisoformat(told["at"]), {of: Head.read(words) for of, words in told["heads"].items()})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("heads_unreadable file=%s reason=%s", place, type(error).__name__)
        return None


def _replace(place: Path, words: str) -> None:
    """Write a file whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    draft.write_text(words, encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(place)
