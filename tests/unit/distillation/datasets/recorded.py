"""Records as the store gives them, made by hand."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pharmacy.domain.conversation import Author, Transcript, Turn
from pharmacy.storage.recorded_calls import RecordedCall

GENERATOR = "generate_symptom_consultation"
BEGINNING = datetime(2026, 11, 1, tzinfo=UTC)
_NUMBERS = itertools.count(1)


def rendered(*texts: str) -> str:
    """Return a conversation as a prompt shows it."""
    return Transcript(tuple(Turn(Author.PATIENT, text, BEGINNING) for text in texts)).rendered()


def reply(text: str) -> str:
    """Return a generator's answer."""
    return json.dumps({"missing_facts": [], "reply": text}, ensure_ascii=False)


def recorded(text: str, written: str, **more: Any) -> RecordedCall:
    """Return the record of a generator's draft, approved and sent, with whatever `more` says otherwise."""
    number = next(_NUMBERS)
    blanks = {"category": "symptom_consultation", "phase": "intake", "facts": "[患者.sex] female",
              "conversation": rendered(text), "previous_drafts": "[]", "reasons": "", "instruction": ""}  # fmt: skip
    given: dict[str, Any] = {
        "seq": number, "run_id": UUID(int=number), "conversation_id": f"c-{number}", "patient_id": f"p-{number}",
        "patient_name": None, "consents": True, "version": 1, "started_at": BEGINNING + timedelta(minutes=number),
        "prompt_fingerprint": "0" * 12, "blanks": blanks | more.pop("blanks", {}), "output": reply(written),
        "model": "openai:teacher", "first": None, "decided": "approved", "decision": {},
        "category": "symptom_consultation", "phase": "intake", "draft": written, "sent": written,
        "finally_sent": None, "gated": False, "category_corrected": None, "phase_corrected": None, "case_code": None,
        "case_resolved_by": None,
    }  # fmt: skip
    return RecordedCall(**given | more)
