"""Feedback: a pharmacist's decision, told to the trace of the run that it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langsmith import Client

from pharmacy.observing.langsmith_client import LangSmith
from pharmacy.observing.remark import Remark
from pharmacy.redaction.redact import Redactor

DECISION = "decision"
"""The feedback's key."""


@dataclass(frozen=True)
class Feedback:
    """Tells decisions, redacted."""

    langsmith: LangSmith
    redactor: Redactor

    async def tell(self, remark: Remark, still_wanted: Callable[[], bool] = lambda: True) -> bool:
        """Send the remark; sent again, it takes its own place. Return False when it is no longer wanted.

        Args:
            still_wanted: is asked last, right before anything leaves.

        Raises:
            LangSmithFailed: as `LangSmith.ask`; a trace that has not come yet is a reason too.
        """

        async def work(client: Client) -> bool:
            said = _redacted(remark, self.redactor)
            project_id = self.langsmith.project_id(client)
            if not still_wanted():
                return False
            # One attempt: whoever asked tries again, and nothing else may wait for this meanwhile.
            client.create_feedback(
                remark.run_id, DECISION, score=remark.score, value=remark.decision, trace_id=remark.run_id,
                feedback_id=remark.id, session_id=project_id, start_time=remark.run_began_at,
                stop_after_attempt=1, **said,
            )  # fmt: skip
            return True

        return await self.langsmith.ask(work)


def _redacted(remark: Remark, redactor: Redactor) -> dict[str, Any]:
    redaction = redactor.conversation(remark.known_names)
    for words in remark.said:
        redaction.text(words)
    corrected = {"reply": remark.corrected, "classify": remark.category, "switch_phase": remark.phase}
    given = {name: value for name, value in corrected.items() if value is not None}
    measured = {"edited_share": remark.edited_share, "code": remark.code}
    return {
        "comment": redaction.text(remark.code) if remark.code else None,
        "correction": redaction.value(given) or None,
        "source_info": redaction.value({name: value for name, value in measured.items() if value is not None}),
    }
