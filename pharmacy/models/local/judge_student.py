"""A local student of the judge: the rubric, corrected by what pharmacists have decided; its hard stops stand."""

import json
from collections.abc import Mapping

from pharmacy.domain.errors import ReplyUnreadable
from pharmacy.domain.model import Answer, Prompt
from pharmacy.models.local.judge import LocalJudge, marked, read_material
from pharmacy.models.local.rubric.material import Verdict
from pharmacy.models.local.verdict_weights import VerdictCard, VerdictWeights, features_of

NEVER_RAISED = frozenset({"safety", "accuracy"})
"""Criteria whose findings stand whatever was learnt."""

FAILS_FROM = 0.5
"""Likelihood of fault from which a draft misses the bar: as often right as wrong, and then it goes to a person."""

PASSES_UP_TO = 0.15
"""Likelihood of fault up to which a finding of the rubric is overruled."""

_HARD = 1


class JudgeStudent:
    """A `ChatModel` that marks drafts by rule and by what it has learnt, and reads only the prompt's blanks."""

    def __init__(self, weights: VerdictWeights) -> None:
        self.weights = weights
        LocalJudge()  # reads the rubric's files: a broken one stops the start

    @property
    def fingerprint(self) -> str:
        """12 hex digits over everything the student was taught."""
        return self.weights.fingerprint

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return a reason and a mark for each criterion that `schema` asks for; an unknown criterion gets a 1.

        Raises:
            ReplyUnreadable: the prompt lacks a blank that the rubric reads, or the bars.
        """
        material, bars = read_material(prompt), _bars(prompt)
        rubric = {name: marked(name, material) for name in schema.model_fields}
        verdicts = corrected(self.weights.card, rubric, features_of(material, rubric), bars)
        return schema.model_validate({name: {"reason": v.reason, "mark": v.mark} for name, v in verdicts.items()})


def corrected(
    card: VerdictCard, rubric: Mapping[str, Verdict], features: Mapping[str, float], bars: Mapping[str, int]
) -> dict[str, Verdict]:
    """Return the rubric's verdicts as the learnt criteria correct them."""
    likely = {name: learnt.fails(features) for name, learnt in card.criteria.items() if name in rubric}
    return {
        name: one_corrected(name, verdict, likely[name], bars[name]) if name in likely and name in bars else verdict
        for name, verdict in rubric.items()
    }


def one_corrected(name: str, verdict: Verdict, fails: float, bar: int) -> Verdict:
    """Return one verdict, lowered below its bar or raised to it; a hard stop is never raised.

    Args:
        fails: how likely pharmacists find fault, 0 to 1.
    """
    if fails >= FAILS_FROM and verdict.mark >= bar:
        return Verdict(
            max(bar - 1, 1), f"これまでの薬剤師の判断では、直されるか退けられる見込みが高い文です({fails:.2f})。"
        )
    may_be_raised = name not in NEVER_RAISED and _HARD < verdict.mark < bar
    if may_be_raised and fails <= PASSES_UP_TO:
        return Verdict(bar, f"規則の指摘はありますが、薬剤師がそのまま送ってきた文と同じ種類です({fails:.2f})。")
    return verdict


def _bars(prompt: Prompt) -> Mapping[str, int]:
    try:
        return {each["name"]: int(each["bar"]) for each in json.loads(prompt.blanks["criteria"])}
    except (KeyError, ValueError, TypeError) as error:
        raise ReplyUnreadable(f"judge: criteria: {error!r}; expected each criterion with its bar") from error
