"""Why a student may or may not take its next step: each reason a code with its values, and its English words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Value = int | str | tuple[str, ...]
"""A number of cases; a name, or a share as it is written; several names."""

SENTENCES: Mapping[str, str] = MappingProxyType({
    "rows": "%(there)s held-out cases of at least %(least)s",
    "more_seen": "%(more)s more are needed, by what was seen",
    "more_assumed": "%(more)s more are needed, by what was assumed",
    "labels": "of %(there)s cases a person said what is right; expected %(least)s at least",
    "unmeasured": "was not measured",
    "difference": "%(mean)s (%(low)s to %(high)s; %(rows)s cases, %(conversations)s conversations)",
    "within": "shown to be within %(margin)s of the teacher at %(confidence)s",
    "not_within": "not shown to be within %(margin)s of the teacher at %(confidence)s",
    "few_cases": "%(there)s cases; expected %(least)s at least",
    "worse": "shown to be worse",
    "not_worse": "not shown to be worse",
    "plain": "%(model)s",
    "plain_unmeasured": "was not measured; expected it beside the student",
    "plain_serves": "no worse than the teacher untrained: serve it instead",
    "plain_falls_short": "not shown to be as good as the teacher, so training is worth its while",
    "judge_apart": "%(judge)s is of another family than those it marked",
    "judge_kin": "%(judge)s is of the family of %(kin)s, and models favour their kin",
    "judge_labels": "enough cases rest on a person's word",
    "judge_few_labels": "expected another judge, or more pharmacists' labels",
    "nothing_seen": "nothing",
    "shadow_cases": "%(there)s answers given unused and scored; expected %(least)s at least",
    "shadow_worse": "%(measure)s of its unused answers is shown to be below %(bound)s",
    "shadow_not_worse": "%(measure)s of its unused answers is not shown to be below %(bound)s",
    "conversations": "%(there)s conversations decided since the share was set; expected %(least)s at least",
    "fallen": "%(watch)s has fallen below %(bound)s",
    "not_fallen": "%(watch)s is not shown to have fallen below %(bound)s",
    "no_account": "%(who)s is no account in use; expected one of role %(roles)s",
    "role": "%(who)s is %(role)s; the plan names %(roles)s",
    "no_student": "has no student; expected a student table in the models file",
    "serves_already": "%(student)s serves already",
    "no_evaluation": "no evaluation of teacher and student under the prompt as it is now",
})  # fmt: skip
"""Code to its English sentence. Pages have each in their own languages' words, by the same code."""


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for or against a step."""

    code: str
    """Of `SENTENCES`."""

    values: Mapping[str, Value] = field(default_factory=dict)
    """What its blanks are filled with."""

    @property
    def said(self) -> str:
        """Return it in English."""
        return SENTENCES[self.code] % {name: _shown(value) for name, value in self.values.items()}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, whether it passes, and why."""

    name: str
    passes: bool
    reasons: tuple[Reason, ...]

    @property
    def said(self) -> str:
        """Return its reasons in English."""
        return "; ".join(reason.said for reason in self.reasons)

    def json(self) -> dict[str, object]:
        """Return it as the commands print it."""
        return {"name": self.name, "passes": self.passes, "said": self.said}


def check(name: str, code: str, *, passes: bool, **values: Value) -> Check:
    """Return a check of one reason."""
    return Check(name, passes, (Reason(code, values),))


def _shown(value: Value) -> int | str:
    return ", ".join(value) if isinstance(value, tuple) else value
