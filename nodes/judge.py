"""Step 6: hold a draft against the output gate, then have it marked criterion by criterion."""

import json

from pydantic import BaseModel, ConfigDict, Field, create_model

from nodes.classify import Compose
from nodes.generate import Assignment
from nodes.screen import MIN_JAPANESE_SHARE, japanese_share
from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.claims import LintContext, lint
from pharmacy.domain.judgement import Judgement, Mark
from pharmacy.domain.model import ChatModel, Prompt
from pharmacy.domain.outcome import Draft

BLANKS = frozenset({"category", "phase", "facts", "conversation", "draft", "criteria"})
"""What `judge` fills its frame with."""


class CriterionVerdict(BaseModel):
    """One criterion's verdict, the reason before the mark so that the mark follows from it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = Field(description="点数の理由を一文で")
    mark: int = Field(ge=1, le=5, description="1(送ってはいけない)から5(そのまま送れる)")


def verdict_schema(flow: Flow) -> type[BaseModel]:
    """Return the answer's schema: every criterion of `flow`, none more and none less."""
    fields = {c.name: (CriterionVerdict, Field(description=c.label)) for c in flow.criteria.values()}
    return create_model("Verdict", __config__=ConfigDict(extra="forbid"), **fields)  # type: ignore[call-overload,no-any-return]


def quoted(draft: str) -> str:
    """Return a draft as a JSON string that cannot close the tag it stands in."""
    return json.dumps(draft, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")


def bars(flow: Flow) -> str:
    """Return the criteria with their bars, as the prompt lists them."""
    return json.dumps([{"name": c.name, "bar": c.bar} for c in flow.criteria.values()], ensure_ascii=False)


async def judge(
    draft: Draft,
    assignment: Assignment,
    flow: Flow,
    lint_context: LintContext,
    compose: Compose,
    schema: type[BaseModel],
    model: ChatModel,
) -> Judgement:
    """Return the judgement of `draft`; one that the output gate blocks never reaches the model.

    Raises:
        FlowError: no readable judgement could be had; that is never a pass.
    """
    if blocked := blocked_by(draft, assignment, lint_context):
        return Judgement({}, blocked)
    answer = await model.answer(prompt_of(draft, assignment, flow, compose), schema)
    verdicts: dict[str, CriterionVerdict] = dict(answer)
    return Judgement({name: Mark(v.mark, flow.criteria[name].bar, v.reason) for name, v in verdicts.items()})


def blocked_by(draft: Draft, assignment: Assignment, lint_context: LintContext) -> tuple[str, ...]:
    """Return why `draft` never reaches the model; nothing where it may."""
    return tuple(hit.reason_ja for hit in lint(draft.text, lint_context)) + _misfits(draft, assignment)


def prompt_of(draft: Draft, assignment: Assignment, flow: Flow, compose: Compose) -> Prompt:
    """Return what the judge is asked of `draft`."""
    return compose(_blanks(draft, assignment, flow))


def _misfits(draft: Draft, assignment: Assignment) -> tuple[str, ...]:
    last, words = assignment.transcript.last_reply, _squeezed(draft.text)
    # What the judge marked down it may mark again; what a person turned down, nobody is shown twice.
    refused = {_squeezed(earlier.text) for earlier in assignment.earlier if earlier.judgement is None}
    found = {
        "直前の返信と同じ文面です": last is not None and words == _squeezed(last.text),
        "薬剤師が退けた文面と同じです": words in refused,
        "日本語の返信ではありません": japanese_share(draft.text) < MIN_JAPANESE_SHARE,
    }
    return tuple(reason for reason, holds in found.items() if holds)


def _squeezed(text: str) -> str:
    """A text moved about by spaces and line ends is still the same text."""
    return "".join(text.split())


def _blanks(draft: Draft, assignment: Assignment, flow: Flow) -> dict[str, str]:
    return {
        "category": assignment.category,
        "phase": assignment.phase,
        "facts": assignment.facts.rendered(),
        "conversation": assignment.transcript.rendered(),
        "draft": quoted(draft.text),
        "criteria": bars(flow),
    }
