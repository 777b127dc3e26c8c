"""Read a node's recorded calls beside what became of them: one row per run, for datasets to be made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_CONVERSATIONS = """
SELECT DISTINCT conversation_id FROM model_calls
WHERE pharmacy_id = :pharmacy_id AND node = :node AND error IS NULL ORDER BY conversation_id
"""
# A person's correction belongs to the newest message that they had before them, and so to the runs that read it. From
# the audit trail: of a draft that is not sent yet, setting what the conversation was before moves nothing.
_CORRECTED = """
LEFT JOIN LATERAL (
    SELECT a.body ->> '{what}' AS after FROM audit a
    WHERE a.pharmacy_id = r.pharmacy_id AND a.subject = r.conversation_id AND a.action = 'corrected'
      AND jsonb_exists(a.body, '{what}') AND a.at > r.started_at AND NOT EXISTS (
        SELECT FROM messages newer
        WHERE newer.pharmacy_id = r.pharmacy_id AND newer.conversation_id = r.conversation_id
          AND newer.author = 'patient' AND newer.version > r.version AND newer.received_at < a.at)
    ORDER BY a.seq DESC LIMIT 1) {what}_set ON true
"""
# Every piece is a constant of this file.
_CALLS = f"""
WITH calls AS (
    SELECT * FROM model_calls WHERE pharmacy_id = :pharmacy_id AND node = :node AND error IS NULL
      AND conversation_id = ANY(CAST(:conversations AS text[]))),
newest AS (SELECT DISTINCT ON (run_id) * FROM calls ORDER BY run_id, seq DESC),
first AS (SELECT DISTINCT ON (run_id) * FROM calls ORDER BY run_id, seq)
SELECT n.seq, n.run_id, n.conversation_id, n.started_at, n.blanks, n.output, n.model_asked,
       n.prompt_fingerprint, f.seq AS first_seq, f.blanks AS first_blanks, f.output AS first_output,
       f.model_asked AS first_model, r.version, c.patient_id, p.profile ->> 'name' AS patient_name,
       coalesce(p.profile #>> '{{consent,training}}' = 'true', false) AS consents,
       s.state AS decided, s.category AS category, s.phase AS phase, s.text AS draft, s.decision,
       o.state AS sent_state, o.text AS sent_text, oc.body AS outcome_body,
       h.code AS case_code, h.state AS case_state, h.resolved_by AS case_resolved_by,
       final.text AS final_text, gated.found AS gated,
       category_set.after AS category_set, phase_set.after AS phase_set
FROM newest n JOIN first f USING (run_id)
JOIN runs r ON r.id = n.run_id
JOIN conversations c ON c.pharmacy_id = r.pharmacy_id AND c.id = r.conversation_id
LEFT JOIN patients p ON p.pharmacy_id = c.pharmacy_id AND p.id = c.patient_id
LEFT JOIN suggestions s ON s.run_id = r.id AND s.pharmacy_id = r.pharmacy_id AND s.conversation_id = r.conversation_id
LEFT JOIN LATERAL (
    SELECT own.state, own.text FROM outbox own
    WHERE own.pharmacy_id = r.pharmacy_id AND own.conversation_id = r.conversation_id AND own.suggestion_id = s.id
      AND own.kind = 'reply' AND NOT own.automatic
    ORDER BY own.created_at DESC LIMIT 1) o ON true
LEFT JOIN LATERAL (SELECT body, handover_id FROM outcomes WHERE run_id = r.id LIMIT 1) oc ON true
LEFT JOIN handovers h ON h.id = oc.handover_id
LEFT JOIN LATERAL (
    SELECT later.text FROM outbox later
    WHERE later.pharmacy_id = r.pharmacy_id AND later.conversation_id = r.conversation_id
      AND later.version = r.version AND later.kind = 'reply' AND later.state = 'sent' AND NOT later.automatic
      AND later.suggestion_id IS NOT NULL AND later.suggestion_id <> s.id AND later.created_at > s.decided_at
    ORDER BY later.created_at DESC LIMIT 1) final ON true
LEFT JOIN LATERAL (
    SELECT EXISTS (SELECT FROM messages held
        WHERE held.pharmacy_id = r.pharmacy_id AND held.conversation_id = r.conversation_id
          AND held.author = 'patient' AND held.hits <> '[]'::jsonb
          AND held.version BETWEEN r.version - :window + 1 AND r.version) AS found) gated ON true
{_CORRECTED.format(what="category")} {_CORRECTED.format(what="phase")}
ORDER BY n.conversation_id, n.seq
"""  # noqa: S608


@dataclass(frozen=True)
class RecordedCall:
    """The newest answered call of a node in one run, and what became of the run."""

    seq: int
    run_id: UUID
    conversation_id: str
    patient_id: str
    patient_name: str | None
    consents: bool
    """Whether the patient agrees to training now."""

    version: int
    """The conversation's, as the run read it."""

    started_at: datetime
    prompt_fingerprint: str
    blanks: Mapping[str, str]
    output: str | None
    """None when its words are gone: withdrawn, or kept no longer."""

    model: str
    first: tuple[Mapping[str, str], str | None, str] | None
    """Blanks, output and model of the node's first answer in the run; None where that is this one."""

    decided: str | None
    """What a pharmacist made of the draft (`approved`, `edited` …), or its state; None where there is no draft."""

    decision: Mapping[str, Any]
    category: str | None
    """What the run took the conversation for, and likewise `phase`; None where it ended before it knew."""

    phase: str | None
    draft: str | None
    sent: str | None
    """The text that reached the patient by this draft; None when none has."""

    finally_sent: str | None
    """The text of another draft, decided later, that reached the patient in answer to the same messages."""

    gated: bool
    """Whether a gate held a message that the run may have read."""

    category_corrected: str | None
    """What a person set afterwards, before the next message came; likewise `phase_corrected`."""

    phase_corrected: str | None
    case_code: str | None
    """The reason of the case that the run ended in; None where it ended in none."""

    case_resolved_by: str | None


async def conversations_with(tx: AsyncConnection, pharmacy_id: str, node: str) -> list[str]:
    """Return the conversations in which `node` has answered, in the order of their ids."""
    return list((await tx.execute(text(_CONVERSATIONS), {"pharmacy_id": pharmacy_id, "node": node})).scalars())


async def recorded_calls(
    tx: AsyncConnection, pharmacy_id: str, node: str, conversation_ids: Sequence[str], window_turns: int
) -> list[RecordedCall]:
    """Return one row per run of these conversations in which `node` has answered, in order.

    Args:
        window_turns: how many turns a run reads: a message that a gate held counts for as long as it may be among them.
    """
    given = {"pharmacy_id": pharmacy_id, "node": node, "conversations": [*conversation_ids], "window": window_turns}
    return [_read(row) for row in await tx.execute(text(_CALLS), given)]


def _read(row: Any) -> RecordedCall:
    told: Mapping[str, Any] = row.outcome_body or {}
    return RecordedCall(
        seq=row.seq,
        run_id=row.run_id,
        conversation_id=row.conversation_id,
        patient_id=row.patient_id,
        patient_name=row.patient_name,
        consents=row.consents,
        version=row.version,
        started_at=row.started_at,
        prompt_fingerprint=row.prompt_fingerprint,
        blanks=row.blanks,
        output=row.output,
        model=row.model_asked,
        first=(row.first_blanks, row.first_output, row.first_model) if row.first_seq != row.seq else None,
        decided=row.decided,
        decision=row.decision or {},
        category=row.category or told.get("category"),
        phase=row.phase or told.get("phase"),
        draft=row.draft,
        sent=row.sent_text if row.sent_state == "sent" else None,
        finally_sent=row.final_text,
        gated=row.gated,
        category_corrected=row.category_set,
        phase_corrected=row.phase_set,
        case_code=row.case_code,
        case_resolved_by=row.case_resolved_by if row.case_state == "resolved" else None,
    )
