"""Have a student answer beside the model that served, and hold its answer against that one's, or against the bars."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from evaluation.answering import Asker, TrialModels
from evaluation.batching import Given
from evaluation.candidates import Candidate
from evaluation.cases import LABEL_FIELDS, Case
from evaluation.questions import Questions
from graph.assemble import Assembled, changing_blanks
from pharmacy.domain.catalogue import Catalogue
from pharmacy.storage.datasets import DatasetRow
from pharmacy.storage.shadows import Question, ShadowAnswer


class NotTheSame(Exception):
    """The student cannot be asked what was asked: the node's words have changed since; `code` says how."""

    code = "prompt_changed"


@dataclass(frozen=True)
class Shadowing:
    """Asks one node's student; built once, as schemas are dear."""

    questions: Questions
    batched: Given = field(default_factory=dict)
    """Answers that came in a batch."""

    @classmethod
    def of(cls, node: str, assembled: Assembled) -> "Shadowing":
        """Return what asks the student of `node`."""
        return cls(Questions.of(node, assembled))

    async def answer(
        self, asked: Question, student: str, catalogue: Catalogue, models: TrialModels, place: int = 0
    ) -> ShadowAnswer:
        """Return the student's answer with its scores.

        Args:
            place: of the question among those of a batch.

        Raises:
            NotTheSame: the node has another prompt now, or another flow.
            NotAnswered: the student could not be asked, or nobody could mark what it wrote.
        """
        candidate = Candidate(student)
        case = self.case(asked, candidate, place)
        judge = asked.judged_by or self.questions.assembled.registry.teacher_of("judge")
        row = await Asker(self.questions, judge, catalogue, self.batched).answer(case, candidate, models)
        served = [call.model_served for call in models.calls if call.node == asked.node and call.model_asked == student]
        if in_batch := self.batched.get((str(candidate), place)):
            served = [in_batch.tried.served]
        return ShadowAnswer(
            row.output, row.scores, row.said, self._beside(asked), served[-1] if served else None, row.prompt_tokens,
            row.cached_tokens, row.completion_tokens, row.cost_usd, row.judging_usd, row.seconds, row.error,
        )  # fmt: skip

    def case(self, asked: Question, candidate: Candidate, place: int = 0) -> Case:
        """Return the question as it is asked.

        Raises:
            NotTheSame: the node has another prompt now, or another flow.
        """
        case = self._case(asked, place)
        if self.questions.prompt(case, candidate).fingerprint != asked.prompt_fingerprint:
            raise NotTheSame(f"{asked.node}: the prompt is another one now")
        return case

    def _case(self, asked: Question, place: int) -> Case:
        """Return the question as a case whose right answer is the one that served."""
        node = asked.node
        try:
            blanks = {name: asked.blanks[name] for name in sorted(changing_blanks(node))}
            said = json.loads(asked.output)
        except (KeyError, ValueError):
            raise NotTheSame(f"{node}: what was recorded does not fit the node") from None
        whose = (asked.patient_id, asked.conversation_id, asked.version)
        return Case(
            DatasetRow(place, "shadow", *whose, {}, ""), str(asked.run_id), blanks.get("category", ""),
            blanks.get("phase", ""), blanks, said.get(LABEL_FIELDS[node]) if node in LABEL_FIELDS else None,
            self._cleared(said) if node == "judge" else None, by_pharmacist=False,
            said=None, target=None,
        )  # fmt: skip

    def _cleared(self, verdict: Mapping[str, Mapping[str, int]]) -> bool:
        criteria = self.questions.assembled.flow.criteria.values()
        return all(verdict[each.name]["mark"] >= each.bar for each in criteria)

    def _beside(self, asked: Question) -> dict[str, float]:
        """Return whether the served draft passed: it did where a reply came of it, and no second draft was written."""
        return {"pass_rate": float(asked.replied and asked.is_last)} if self.questions.writes else {}
