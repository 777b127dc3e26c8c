"""Whole runs under one model and under another: whether each ends where the pharmacist's decision says it should."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from evaluation.answering import NOBODY_ANSWERED
from evaluation.asking import Told, Unfinished
from evaluation.cases import Case
from evaluation.first_answers import FirstAnswers
from evaluation.run_ends import READ_AT_ONCE, WholeRun, ends_right, runs_of
from graph.assemble import Assembled
from graph.state import Request, RunContext
from nodes.screen import Standing
from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.conversation import Author
from pharmacy.domain.errors import FlowError
from pharmacy.domain.flow import Flow
from pharmacy.domain.model import Answer, ChatModel, Early, ModelCall, Prompt
from pharmacy.domain.outcome import Outcome
from pharmacy.domain.serving import Serving
from pharmacy.storage import people, servings
from pharmacy.storage.database import Database
from pharmacy.storage.past_runs import PastRun

_NOBODY_ANSWERED = frozenset({"judge_unavailable", *(error.code for error in NOBODY_ANSWERED)})


@dataclass
class Answers:
    """What was answered already: all else being the same, both ways through the flow ask most questions alike."""

    known: dict[tuple[str, str, str], asyncio.Future[object]] = field(default_factory=dict)


@dataclass(frozen=True)
class _TrialModels(FirstAnswers):
    """A run's models with one node's first answer given by another, and each question asked once."""

    answers: Answers

    def model(self, node: str, drafts_written: int = 0, early: Early | None = None) -> ChatModel:
        """Return the model under trial for its node's first answer, else what serves."""
        tried = self.instead(node, drafts_written)
        return _Remembering(super().model(node, drafts_written, early), node, tried or "served", self.answers)


@dataclass(frozen=True)
class _Remembering:
    model: ChatModel
    node: str
    ref: str
    answers: Answers

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        asked = hashlib.sha256(f"{prompt.system}\0{prompt.user}".encode(errors="replace")).hexdigest()
        key = (self.node, self.ref, asked)
        if key not in self.answers.known:
            self.answers.known[key] = asyncio.ensure_future(self._asked(prompt, schema))
        said = await self.answers.known[key]
        if isinstance(said, FlowError):
            raise said
        return cast("Answer", said)

    async def _asked(self, prompt: Prompt, schema: type[Answer]) -> object:
        try:
            return await self.model.answer(prompt, schema)
        except FlowError as failure:
            return failure


async def whole_runs(
    database: Database, pharmacy_id: str, assembled: Assembled, node: str, cases: Sequence[Case],
    models: Sequence[str], told: Told = lambda _done, _of: None, at_once: int = 8,
) -> Mapping[str, Mapping[int, WholeRun]]:  # fmt: skip
    """Return model to the place of a case to its whole run; nothing is written or sent.

    Cases whose run is not there any more, or never asked about the phase, are left out.

    Args:
        models: `provider:name`, each in turn in the node's place; all else as it serves now.

    Raises:
        Unfinished: nobody could be asked.
    """
    found: dict[str, dict[int, WholeRun]] = {model: {} for model in models}
    async with database.begin(pharmacy_id) as tx:
        shelf = await people.catalogue(tx, pharmacy_id)
        decided = {name: one.serving for name, one in (await servings.decided(tx, pharmacy_id)).items()}
    gate, why, done = asyncio.Semaphore(at_once), dict[str, int](), 0
    for at in range(0, len(cases), READ_AT_ONCE):
        part = cases[at : at + READ_AT_ONCE]
        runs = await runs_of(database, pharmacy_id, assembled.flow, node, part)

        async def one(case: Case, run: PastRun) -> None:
            async with gate:
                answers = Answers()
                for model in models:
                    outcome, calls = await _walked(assembled, decided, node, model, run, shelf, answers)
                    if outcome.reason is not None and outcome.reason.code in _NOBODY_ANSWERED:
                        why[outcome.reason.code] = why.get(outcome.reason.code, 0) + 1
                        continue
                    found[model][case.row.place] = _whole_run(node, case, outcome, calls, assembled.flow)

        await asyncio.gather(*(one(case, runs[case.id]) for case in part if case.id in runs))
        done += len(part)
        told(done, len(cases))
    if why:
        raise Unfinished(sum(why.values()), len(cases) * len(models), why)
    return found


async def _walked(
    assembled: Assembled, decided: Mapping[str, Serving], node: str, model: str, run: PastRun, shelf: Catalogue,
    answers: Answers,
) -> tuple[Outcome, tuple[ModelCall, ...]]:  # fmt: skip
    served = assembled.models_for_run(conversation=run.conversation_id, decided=decided)
    models = _TrialModels(served, {node: model}, answers)
    first = all(turn.author is Author.PATIENT for turn in run.transcript.turns)
    standing = Standing(run.started_at, run.patient, first_contact=first)
    request = Request(run.transcript, standing, str(run.phase))
    outcome = await assembled.replies.run(request, RunContext(models, shelf))
    return outcome, models.calls


def _whole_run(node: str, case: Case, outcome: Outcome, calls: Sequence[ModelCall], flow: Flow) -> WholeRun:
    return WholeRun(
        float(ends_right(node, case, outcome, flow)), outcome.kind.value, outcome.category, outcome.cost_usd,
        sum(call.seconds for call in calls),
    )  # fmt: skip
