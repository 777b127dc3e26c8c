"""What a run was asked when a message was answered: the conversation, its standing and the policy as they stood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.conversation import Author, Kind, Transcript, Turn
from pharmacy.domain.facts import Patient
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.outcome import Draft
from pharmacy.domain.patient_profile import patient_from
from pharmacy.domain.policy import InForce
from pharmacy.domain.policy_file import PolicyFile
from pharmacy.storage.begun import LONGEST_WINDOW
from pharmacy.storage.policy import policy_in
from pharmacy.storage.refusals import Conflict, NotHere

# An emergency is handed over at intake, without a run: then the outcome's own time is when it was asked.
_ANSWERED = text("""
SELECT m.id AS message_id, m.conversation_id, m.outcome_id, o.version, o.run_id, o.body, c.patient_id,
       coalesce(r.started_at, o.created_at) AS asked_at, c.category AS set_category, c.category_set_at,
       q.instruction, q.version AS wished_version, p.profile, p.updated_at AS profile_written_at, spoken.phase
FROM messages m
JOIN conversations c ON c.pharmacy_id = m.pharmacy_id AND c.id = m.conversation_id
JOIN patients p ON p.pharmacy_id = c.pharmacy_id AND p.id = c.patient_id
LEFT JOIN outcomes o ON o.id = m.outcome_id
LEFT JOIN runs r ON r.id = o.run_id
LEFT JOIN requests q ON q.id = r.request_id
LEFT JOIN LATERAL (
    SELECT s.blanks ->> 'phase' AS phase FROM model_calls s
    WHERE s.pharmacy_id = m.pharmacy_id AND s.run_id = r.id AND s.node = 'switch_phase' ORDER BY s.seq LIMIT 1
) spoken ON true
WHERE m.pharmacy_id = :pharmacy AND m.id = :message AND m.author = 'patient'
  AND (CAST(:conversation AS text) IS NULL OR m.conversation_id = :conversation)
""")
# What the run had before it: the patient's messages up to its version, and what the pharmacy had said when it began.
_WINDOW = text("""
SELECT author, text, sent_at, kind, version, outcome_id, redelivered FROM messages
WHERE pharmacy_id = :pharmacy AND conversation_id = :conversation AND kind <> 'fixed'
  AND ((author = 'patient' AND version <= :version) OR (author <> 'patient' AND received_at <= :asked_at))
ORDER BY order_at DESC, id DESC LIMIT :turns
""")
_WAITING = text("""
SELECT count(*) FROM messages WHERE pharmacy_id = :pharmacy AND conversation_id = :conversation
  AND author = 'patient' AND outcome_id = :outcome
""")
_CASE = text("""
SELECT tier FROM handovers WHERE pharmacy_id = :pharmacy AND conversation_id = :conversation
  AND created_at < :asked_at AND (resolved_at IS NULL OR resolved_at > :asked_at) ORDER BY seq DESC LIMIT 1
""")
_HELD = text("""
SELECT action FROM audit WHERE pharmacy_id = :pharmacy AND subject = :conversation
  AND action IN ('taken_over', 'given_back') AND at < :asked_at ORDER BY seq DESC LIMIT 1
""")
_POLICY = text("""
SELECT version, body FROM policies WHERE pharmacy_id = :pharmacy AND at <= :asked_at ORDER BY version DESC LIMIT 1
""")
_STOPPED = text("""
SELECT is_on FROM kill_switches WHERE pharmacy_id = :pharmacy AND at <= :asked_at ORDER BY seq DESC LIMIT 1
""")
_SHELF_WRITTEN = text("SELECT EXISTS (SELECT FROM products WHERE pharmacy_id = :pharmacy AND updated_at > :asked_at)")
_EARLIER = text("""
SELECT text FROM suggestions WHERE pharmacy_id = :pharmacy AND conversation_id = :conversation
  AND version = :version AND state = 'regenerated' AND created_at < :asked_at ORDER BY seq
""")


@dataclass(frozen=True)
class PastQuestion:
    """A message's question as it stood, and what came of it."""

    message_id: str
    conversation_id: str
    version: int
    asked_at: datetime
    run_id: UUID | None
    """None for an emergency, which intake handed over by itself."""

    transcript: Transcript
    patient: Patient
    """As known now: the store keeps no older profile."""

    phase: str
    open_case: Tier | None
    taken_over: bool
    first_contact: bool
    redelivered: bool
    instruction: str | None
    """A pharmacist's wish for the draft; None where a message began the run."""

    category: str | None
    earlier: tuple[Draft, ...]
    unread: int
    """Waiting messages that the window had no room for."""

    patient_written_since: bool
    """Whether the patient's profile was written after the run began; likewise `products_written_since`."""

    products_written_since: bool
    then: dict[str, Any]
    """The outcome of then, as the API shows it."""


async def past_question(
    tx: AsyncConnection, pharmacy_id: str, message_id: str, window_turns: int, conversation_id: str | None = None
) -> PastQuestion:
    """Return what was asked when the message was answered.

    Raises:
        NotHere: this pharmacy has no such message of a patient, or it has no outcome yet.
        Conflict: several conversations have a message of this id.
    """
    given = {"pharmacy": pharmacy_id, "message": message_id, "conversation": conversation_id}
    found = (await tx.execute(_ANSWERED, given)).all()
    if len(found) > 1:
        named = sorted(row.conversation_id for row in found)
        raise Conflict(f"message {message_id!r}: stands in conversations {named}; expected one of them to be named")
    if not found:
        raise NotHere(f"message {message_id!r}: there is none")
    if found[0].outcome_id is None:
        raise NotHere(f"message {message_id!r}: has no outcome yet")
    return await _question(tx, pharmacy_id, found[0], window_turns)


async def policy_then(tx: AsyncConnection, pharmacy_id: str, asked_at: datetime, file: PolicyFile) -> InForce:
    """Return the policy that held at `asked_at`, by today's file; a version that cannot be read lets nothing out."""
    of = {"pharmacy": pharmacy_id, "asked_at": asked_at}
    stopped = bool((await tx.execute(_STOPPED, of)).scalar_one_or_none())
    row = (await tx.execute(_POLICY, of)).one_or_none()
    if row is None:
        return file.in_force(file.first, 0, stopped=stopped)
    try:
        return file.in_force(policy_in(row.body), row.version, stopped=stopped)
    except ValueError as error:
        return InForce(None, row.version, stopped, file.bounds.marking, f"version {row.version}: {error}")


async def window_then(tx: AsyncConnection, of: Mapping[str, Any]) -> list[Row[Any]]:
    """Return the messages that a run had before it, oldest first.

    Args:
        of: pharmacy, conversation, version, asked_at and turns; more may stand there.
    """
    return [*reversed((await tx.execute(_WINDOW, of)).all())]


def turns_of(rows: Sequence[Row[Any]]) -> tuple[Turn, ...]:
    """Return stored messages as turns of a transcript."""
    return tuple(Turn(Author(one.author), one.text, one.sent_at, Kind(one.kind), one.version) for one in rows)


async def _question(tx: AsyncConnection, pharmacy_id: str, row: Row[Any], window_turns: int) -> PastQuestion:
    of = {"pharmacy": pharmacy_id, "conversation": row.conversation_id, "version": row.version,
          "asked_at": row.asked_at, "outcome": row.outcome_id}  # fmt: skip
    waiting = int((await tx.execute(_WAITING, of)).scalar_one())
    of["turns"] = min(max(window_turns, waiting), LONGEST_WINDOW)
    rows = await window_then(tx, of)
    turns = turns_of(rows)
    answered = [one for one in rows if one.outcome_id == row.outcome_id]
    tier = (await tx.execute(_CASE, of)).scalar_one_or_none()
    # A wish lifts the gates that the pharmacist has seen, and none of a message that came after it.
    wished = row.wished_version is not None and row.wished_version >= row.version
    set_before = row.category_set_at is not None and row.category_set_at < row.asked_at
    return PastQuestion(
        message_id=row.message_id,
        conversation_id=row.conversation_id,
        version=row.version,
        asked_at=row.asked_at,
        run_id=row.run_id,
        transcript=Transcript(turns, max(len(answered), 1)),
        patient=patient_from(row.patient_id, row.profile),
        # A run that never asked about the phase ended in the one that it began in.
        phase=row.phase or row.body["phase"],
        open_case=Tier(tier) if tier else None,
        taken_over=(await tx.execute(_HELD, of)).scalar_one_or_none() == "taken_over",
        first_contact=all(turn.author is Author.PATIENT for turn in turns),
        redelivered=any(one.redelivered for one in answered),
        instruction=row.instruction if wished else None,
        category=row.set_category if wished and set_before else None,
        earlier=tuple([Draft(one.text) for one in await tx.execute(_EARLIER, of)]) if wished else (),
        unread=max(0, waiting - len(answered)),
        patient_written_since=row.profile_written_at > row.asked_at,
        products_written_since=bool((await tx.execute(_SHELF_WRITTEN, of)).scalar_one()),
        then=row.body,
    )
