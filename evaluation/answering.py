"""Have one candidate answer one case as it would in production, and have the answer marked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from pydantic import ValidationError

from evaluation.batching import Given as Batched
from evaluation.candidates import Candidate
from evaluation.cases import LABEL_FIELDS, Case
from evaluation.grading import Graded, grade_draft, grade_label, grade_verdict, unanswered
from evaluation.questions import Questions
from nodes.generate import Assignment, generate
from nodes.judge import judge
from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.conversation import Transcript, Turn, read_lines
from pharmacy.domain.errors import (
    BudgetReached,
    CallsUsedUp,
    DeadlinePassed,
    FlowError,
    ModelUnavailable,
    ReplyUnreadable,
)
from pharmacy.domain.facts import FactSheet
from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.claims import LintContext
from pharmacy.domain.judgement import Judgement, Mark
from pharmacy.domain.model import Answer, ChatModel, ModelCall, Prompt
from pharmacy.models.batch import Batched as BatchAnswer
from pharmacy.observing.tracing import untraced
from pharmacy.storage.evaluations import AnswerRow

NOBODY_ANSWERED = (ModelUnavailable, DeadlinePassed, CallsUsedUp, BudgetReached)
"""What says something of the provider, or of the day, and nothing of the model: such a question is asked again."""


class TrialModels(Protocol):
    """The models of one case, with what they have cost."""

    def named(self, node: str, ref: str) -> ChatModel:
        """Return the model `ref` as `node` asks it."""
        ...

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Every call so far."""
        ...


class NotAnswered(Exception):
    """No answer could be had from anybody; `cause` says why."""

    def __init__(self, cause: FlowError) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True)
class Asker:
    """Asks one node's questions."""

    questions: Questions
    judge: str
    """The model that marks drafts, as `provider:name`."""

    catalogue: Catalogue
    batched: Batched = field(default_factory=dict)
    """Answers that came in a batch."""

    async def answer(self, case: Case, candidate: Candidate, models: TrialModels) -> AnswerRow:
        """Return what `candidate` makes of `case`.

        Raises:
            NotAnswered: it could not be asked, or nobody could mark what it wrote.
        """
        node, flow = self.questions.node, self.questions.assembled.flow
        error = None
        try:
            with untraced():
                graded = await self._graded(case, candidate, models)
        except NOBODY_ANSWERED as failure:
            raise NotAnswered(failure) from failure
        except FlowError as failure:
            if any(call.node == "judge" for call in models.calls) and node != "judge":
                raise NotAnswered(failure) from failure
            graded, error = unanswered(node, case, flow), failure.code
        in_batch = self.batched.get((str(candidate), case.row.place))
        row = _row(node, case, candidate, graded, models.calls, error)
        return row if in_batch is None else _of_batch(row, in_batch)

    async def _graded(self, case: Case, candidate: Candidate, models: TrialModels) -> Graded:
        questions, flow = self.questions, self.questions.assembled.flow
        node, prompt = questions.node, questions.prompt(case, candidate)
        model = self._model(case, candidate, models)
        if node in LABEL_FIELDS:
            answer = await model.answer(prompt, questions.schema(case))
            return grade_label(node, case, str(getattr(answer, LABEL_FIELDS[node])), flow)
        if node == "judge":
            answer = await model.answer(prompt, questions.schema(case))
            return grade_verdict(case, judgement(dict(answer), flow))
        assignment = _assignment(case)
        draft = await generate(assignment, lambda _: prompt, model)
        context = self._lint_context(case, draft.text)
        verdict = await judge(
            draft, assignment, flow, context, lambda _: questions.of_judge(case, draft.text), questions.verdict,
            models.named("judge", self.judge),
        )  # fmt: skip
        return grade_draft(verdict, flow)

    def _model(self, case: Case, candidate: Candidate, models: TrialModels) -> ChatModel:
        if candidate.is_recorded:
            return _recorded(case, self.questions)
        if in_batch := self.batched.get((str(candidate), case.row.place)):
            tried = in_batch.tried
            return Given(tried.failure.error if tried.failure else tried.answer)
        return models.named(self.questions.node, candidate.model)

    def _lint_context(self, case: Case, draft: str) -> LintContext:
        doses = self.catalogue.label_doses_shown(case.blanks["facts"], draft)
        return replace(self.questions.assembled.replies.parts.lint_context, label_doses=doses)


class Given:
    """A model's answer that is there already, such as out of a batch: handed over where the model would be asked."""

    def __init__(self, answer: object | FlowError) -> None:
        self._answer = answer

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:  # noqa: ARG002  # it was asked before
        """Return the answer, or raise what came in its place."""
        if isinstance(self._answer, FlowError):
            raise self._answer
        return self._answer  # type: ignore[return-value]  # read by the same schema


def _recorded(case: Case, questions: Questions) -> Given:
    try:
        return Given(questions.schema(case).model_validate_json(case.said or ""))
    except ValidationError:
        return Given(ReplyUnreadable(f"{questions.node}: what was answered to row {case.id} cannot be read today"))


def judgement(verdicts: Mapping[str, object], flow: Flow) -> Judgement:
    """Return a judge's answer held against the bars."""
    return Judgement({
        name: Mark(verdict.mark, flow.criteria[name].bar, verdict.reason)  # type: ignore[attr-defined]
        for name, verdict in verdicts.items()
    })  # fmt: skip


def _assignment(case: Case) -> Assignment:
    now = datetime.now(UTC)
    turns = tuple(Turn(author, text, now) for author, text in read_lines(case.blanks["conversation"]))
    facts = FactSheet.read(case.blanks["facts"])
    return Assignment(Transcript(turns), case.blanks["category"], case.blanks["phase"], facts)


def _row(
    node: str, case: Case, candidate: Candidate, graded: Graded, calls: tuple[ModelCall, ...], error: str | None
) -> AnswerRow:
    mine = [call for call in calls if call.node == node]
    marking = [call for call in calls if call.node != node]
    return AnswerRow(
        candidate=str(candidate), place=case.row.place, patient_id=case.row.patient_id,
        conversation_id=case.row.conversation_id, output=_output(case, candidate, mine) if error is None else None,
        scores=graded.scores, said=graded.said,
        prompt_tokens=sum(call.prompt_tokens for call in mine), cached_tokens=sum(call.cached_tokens for call in mine),
        completion_tokens=sum(call.completion_tokens for call in mine),
        cost_usd=None if candidate.is_recorded else _cost(mine),
        judging_usd=_cost(marking), seconds=sum(call.seconds for call in mine), error=error,
    )  # fmt: skip


def _of_batch(row: AnswerRow, batched: BatchAnswer) -> AnswerRow:
    usage = batched.tried.usage
    return replace(
        row, output=batched.tried.output if row.error is None else None, prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens, completion_tokens=usage.completion_tokens, cost_usd=batched.cost_usd,
    )  # fmt: skip


def _output(case: Case, candidate: Candidate, mine: list[ModelCall]) -> str | None:
    if candidate.is_recorded:
        return case.said
    return mine[-1].output if mine else None


def _cost(calls: list[ModelCall]) -> float | None:
    costs = [call.cost_usd for call in calls]
    return None if None in costs else sum(cost or 0.0 for cost in costs)
