"""What a pharmacist's decision says of a run, on its way to LangSmith."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Remark:
    """One decision. It holds people's words and must be redacted before it leaves."""

    id: UUID
    """The same for the same decision, however often it is told."""

    run_id: UUID
    run_began_at: datetime
    decision: str
    """`approved`, `edited`, `rejected`, `regenerated`, or `replied`: the pharmacist wrote without the draft."""

    score: float | None
    """0 (the draft was of no use) to 1 (sent as it is); None where the decision says nothing of the draft."""

    code: str | None = None
    """Why it was refused, in the console's words of one."""

    edited_share: float | None = None
    """How much was changed, 0 to 1: the edit distance by the longer text's length."""

    corrected: str | None = None
    """What was sent instead."""

    category: str | None = None
    """What the conversation is really about, when the flow had it wrong; likewise `phase`."""

    phase: str | None = None
    said: tuple[str, ...] = ()
    """The conversation's messages, read first as in a trace: who is named there is then known in the correction."""

    known_names: tuple[str, ...] = ()
