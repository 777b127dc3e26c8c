"""Erase a patient: every row that is theirs, their jobs and their texts to send, in one transaction."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage import audit, line_events
from pharmacy.storage.database import Database
from pharmacy.storage.dataset_turns import take_turn
from pharmacy.storage.notices import notify
from pharmacy.storage.refusals import StoreBusy
from pharmacy.storage.tables import audit as trail
from pharmacy.storage.tables import conversations, erased_events, line_contacts, metadata, patients

CHANNEL = "erased"
"""Notices of it name a conversation that is gone: `PHARMACY/CONVERSATION`."""

KEPT_WHOLE = {
    "accounts": "staff, not patients",
    "api_keys": "callers, not patients",
    "audit": "ids only; its rows hash one another",
    "audit_heads": "hashes only",
    "canned_replies": "words for every patient, kept by staff",
    "dataset_losses": "counts",
    "datasets": "counts, hashes and names of models; a version's rows go with their patient",
    "erased_events": "hashes of what was erased",
    "evaluations": "counts, shares and names of models; the answers go with their patient",
    "kill_switches": "settings",
    "policies": "settings",
    "products": "goods",
    "provider_sign_ins": "staff signing in",
    "reply_caching": "settings",
    "reply_profiles": "settings",
    "served_modes": "settings",
    "servings": "settings",
    "sign_ins": "staff signing in",
    "training_jobs": "names of models, hashes and counts",
    "watches": "names of models and figures; the cases go with their conversation",
}
"""Tables of a pharmacy in which nothing is a patient's, each with the reason."""

LINKS = frozenset({"patient_id", "conversation_id", "message_id", "user_id"})
"""Columns by which the database knows whose a row is (kakari_erase_rows in the migration reads the same)."""

ATTEMPTS = 5
LONGEST_SECONDS = 55.0
"""For the whole of it; a minute is what is promised."""
# Longer than other work may take: one patient's rows are few, but a writer may hold them for a second.
LIMITS = "SELECT set_config('lock_timeout', '15s', true), set_config('statement_timeout', '50s', true)"
JOBS = """
DELETE FROM procrastinate_jobs WHERE args->>'pharmacy_id' = :pharmacy_id AND EXISTS (
    SELECT FROM jsonb_each_text(args) AS given WHERE given.key <> 'pharmacy_id' AND given.value = ANY(:ids))
RETURNING id
"""
# A message that came in between has made the patient known anew; its run needs the patient's row.
REVIVE = """
INSERT INTO patients (pharmacy_id, id, profile) SELECT :pharmacy_id, :patient_id, '{}'::jsonb
WHERE EXISTS (SELECT FROM conversations WHERE pharmacy_id = :pharmacy_id AND patient_id = :patient_id)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Erased:
    """What an erasure came to."""

    reference: str
    """Stands for the patient in the audit trail."""

    rows: dict[str, int]
    """Table to how many rows are gone; tables without any are left out."""

    jobs: int
    before: datetime | None
    """When the same patient was last erased; None when never."""

    @property
    def found_anything(self) -> bool:
        """Whether anything of the patient was there."""
        return bool(self.rows or self.jobs)


def reference_of(pharmacy_id: str, patient_id: str) -> str:
    """Return what stands for an erased patient where their id may not."""
    return hashlib.sha256(f"{pharmacy_id}/{patient_id}".encode()).hexdigest()


def tables_of_patients() -> list[Table]:
    """Return every table that may hold a patient's rows, in an order in which they can be emptied."""
    return [
        table for table in reversed(metadata.sorted_tables) if "pharmacy_id" in table.c and table.name not in KEPT_WHOLE
    ]


async def _always(_: AsyncConnection) -> bool:
    return True


async def erase(
    database: Database,
    pharmacy_id: str,
    patient_id: str,
    actor: str,
    told: Callable[[str], None] = lambda _: None,
    only_if: Callable[[AsyncConnection], Awaitable[bool]] = _always,
) -> Erased:
    """Erase the patient; done again, it finds nothing and says when it was done before.

    A message that arrives meanwhile waits for the end, or is told that the store is busy, and then begins a new record
    in which nothing of the old one stands.

    Args:
        actor: who asked for it.
        told: is called with each table's name before it is emptied.
        only_if: is asked once the patient's rows are held against every writer; False leaves all as it is.

    Raises:
        StoreBusy: somebody holds the patient's rows for too long; nothing was erased.
    """

    async def once() -> Erased:
        async with database.begin(pharmacy_id) as tx:
            return await _erase(tx, pharmacy_id, patient_id, actor, told, only_if)

    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            erased = await _until_nothing_began_meanwhile(once)
    except TimeoutError:
        raise StoreBusy(f"not done within {LONGEST_SECONDS:g} s; nothing was erased, ask again") from None
    async with database.begin(pharmacy_id) as tx:
        await tx.execute(text(REVIVE), {"pharmacy_id": pharmacy_id, "patient_id": patient_id})
    return erased


async def _until_nothing_began_meanwhile(once: Callable[[], Awaitable[Erased]]) -> Erased:
    for _ in range(ATTEMPTS - 1):
        with suppress(IntegrityError):  # a conversation began between two statements
            return await once()
    return await once()


async def last_erased(tx: AsyncConnection, pharmacy_id: str, patient_id: str) -> datetime | None:
    """Return when the patient was last erased, or None."""
    where = (trail.c.pharmacy_id == pharmacy_id, trail.c.action == "patient_erased",
             trail.c.subject == reference_of(pharmacy_id, patient_id))  # fmt: skip
    found = await tx.execute(select(trail.c.at).where(*where).order_by(trail.c.seq.desc()).limit(1))
    at: datetime | None = found.scalar_one_or_none()
    return at


async def is_erased(tx: AsyncConnection, pharmacy_id: str, event_id: str) -> bool:
    """Say whether the event belonged to a patient who has been erased."""
    digest = hashlib.sha256(event_id.encode()).digest()
    where = (erased_events.c.pharmacy_id == pharmacy_id, erased_events.c.event_hash == digest)
    return (await tx.execute(select(erased_events.c.erased_at).where(*where))).one_or_none() is not None


async def _erase(
    tx: AsyncConnection,
    pharmacy_id: str,
    patient_id: str,
    actor: str,
    told: Callable[[str], None],
    only_if: Callable[[AsyncConnection], Awaitable[bool]],
) -> Erased:
    await tx.execute(text(LIMITS))
    before = await last_erased(tx, pharmacy_id, patient_id)
    gone = await _hold(tx, pharmacy_id, patient_id)
    await take_turn(tx, pharmacy_id)
    if not await only_if(tx):
        return Erased(reference_of(pharmacy_id, patient_id), {}, 0, before)
    jobs = await _drop_jobs(tx, pharmacy_id, [*gone, *await _ids(tx, gone)])
    rows: dict[str, int] = {}
    # LINE's contacts say whose its events are: they go after them, and conversations and patients last.
    for table in sorted(tables_of_patients(), key=_turn):
        told(table.name)
        statement = text("SELECT kakari_erase_rows(:of, :patient)")
        if count := (await tx.execute(statement, {"of": table.name, "patient": patient_id})).scalar_one():
            rows[table.name] = count
    erased = Erased(reference_of(pharmacy_id, patient_id), rows, jobs, before)
    if erased.found_anything:
        for conversation_id in gone:
            await notify(tx, CHANNEL, f"{pharmacy_id}/{conversation_id}")
        await audit.append(tx, pharmacy_id, actor, "patient_erased", erased.reference, {"rows": rows, "jobs": jobs})
    return erased


async def _hold(tx: AsyncConnection, pharmacy_id: str, patient_id: str) -> list[str]:
    """Return the patient's conversations, held against every writer until the commit."""
    of_patient = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.patient_id == patient_id)
    # A contact first, as every event of LINE takes them.
    of_contact = line_contacts.c.conversation_id.in_(select(conversations.c.id).where(*of_patient))
    of_line = select(line_contacts.c.user_id).where(of_contact).order_by(line_contacts.c.user_id).with_for_update()
    for user_id in (await tx.execute(of_line)).scalars().all():
        # Events of which not even the user could be read.
        await line_events.forget_parked(tx, pharmacy_id, user_id)
    held = select(conversations.c.id).where(*of_patient).order_by(conversations.c.id).with_for_update()
    found = list((await tx.execute(held)).scalars())
    of_row = (patients.c.pharmacy_id == pharmacy_id, patients.c.id == patient_id)
    await tx.execute(select(patients.c.id).where(*of_row).with_for_update())
    return found


async def _ids(tx: AsyncConnection, conversation_ids: list[str]) -> list[str]:
    """Return the ids by which jobs may name the conversations' texts, wishes, alarms and files."""
    named = [table for table in tables_of_patients() if "conversation_id" in table.c and "id" in table.c]
    found: list[str] = []
    for table in named:
        of = select(table.c.id).where(table.c.conversation_id.in_(conversation_ids))
        found += [str(each) for each in (await tx.execute(of)).scalars()]
    return found


async def _drop_jobs(tx: AsyncConnection, pharmacy_id: str, ids: list[str]) -> int:
    dropped = await tx.execute(text(JOBS), {"pharmacy_id": pharmacy_id, "ids": ids})
    return len(dropped.all())


def _turn(table: Table) -> int:
    # A draft's row holds up whoever notes that it is on a screen, and what was noted goes after it.
    last = ["displays", "line_contacts", "messages", "conversations", "patients"]
    return last.index(table.name) + 1 if table.name in last else 0
