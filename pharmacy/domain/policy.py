"""The policy of automatic sending: what may go out without a pharmacist's hand, and how much of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pharmacy.domain.flow import AnsweredBy, Flow
from pharmacy.domain.gates.rules import CATEGORIES as GATED
from pharmacy.domain.held_for import HeldFor

MOST_IN_AN_HOUR = 3
"""Automatic messages to one patient; no file may say more. Source: PROMISES.md 6, the Rule of Two."""

LONGEST_HOLD_SECONDS = 900

Problem = tuple[tuple[str, ...], object, str]
"""Where in the policy, the value that stands there, and what was expected."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


class Mode(StrEnum):
    """What becomes of a message of one category and phase that nothing holds."""

    OFF = "off"
    """No draft is written: a person answers."""

    SUGGEST = "suggest"
    """A good draft waits for a pharmacist."""

    AUTO = "auto"
    """A good draft goes out by itself, when nothing at all stands against it."""


def _mode(value: Any) -> Any:
    """A file and a body say a mode as text, however strictly the rest of them is read."""
    return Mode(value) if isinstance(value, str) and value in [*Mode] else value


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Limits(Strict):
    """How many automatic messages may go out; what is over a limit waits for a pharmacist."""

    per_patient_hour: int = Field(ge=0, le=MOST_IN_AN_HOUR)
    per_patient_day: int = Field(ge=0, le=100)
    per_day: int = Field(ge=0, le=1_000_000)
    in_all: int = Field(ge=0, le=100_000_000)
    """Under this version of the policy; then a person has to look, and set it anew."""


class Policy(Strict):
    """One version of a pharmacy's policy, as the file, the API and the store write it."""

    mode: Literal["off", "suggest"]
    """What holds where `modes` says nothing; `auto` is given by name only."""

    lowest_mark: int = Field(ge=1, le=5)
    """What every mark of an automatic message must reach, where `marks` says nothing; never below the flow's bar."""

    longest_chars: int = Field(ge=1, le=2_000)
    hold_seconds: int = Field(ge=0, le=LONGEST_HOLD_SECONDS)
    """How long a message waits before it goes out, so that a person can cancel it."""

    limits: Limits
    marks: dict[Name, int] = {}
    """Criterion to the mark that an automatic message needs, at or above the flow's bar."""

    modes: dict[Name, dict[Name, Annotated[Mode, BeforeValidator(_mode)]]] = {}
    """Category to phase to mode."""

    def mode_of(self, category: str, phase: str) -> Mode:
        """Return the mode of `category` in `phase`, the phase that the reply leads to."""
        return self.modes.get(category, {}).get(phase, Mode(self.mode))

    def floor(self, criterion: str, bar: int) -> int:
        """Return the mark that an automatic message needs in `criterion`."""
        return max(bar, self.marks.get(criterion, self.lowest_mark))


@dataclass(frozen=True)
class Bounds:
    """What a policy may at most say; only a reviewed file changes it."""

    may_be_automatic: frozenset[tuple[str, str]]
    """(category, phase) that may be set to `auto`."""

    most: Limits
    longest_chars: int
    marking: str
    """What stands under each automatic message, so that the patient knows that no person wrote it."""


@dataclass(frozen=True)
class InForce:
    """What of a policy holds now, for one run or one sending. The default lets nothing out."""

    policy: Policy | None = None
    version: int = 0
    """0 for the file's first values; each one that a person set has the next number."""

    stopped: bool = False
    """True while the kill switch is on."""

    marking: str = ""
    problem: str = ""
    """Why the policy cannot be followed, or empty; then nothing goes out by itself."""

    floors: Mapping[str, int] = field(default_factory=dict)
    """Criterion to the mark that an automatic message needs."""

    def mode_of(self, category: str, phase: str) -> Mode:
        """Return what becomes of a good draft; the kill switch and a policy in doubt leave drafting as it is."""
        mode = self.policy.mode_of(category, phase) if self.policy else Mode.SUGGEST
        return Mode.SUGGEST if mode is Mode.AUTO and self.refusal else mode

    @property
    def refusal(self) -> HeldFor | None:
        """Why nothing at all may go out by itself; None when nothing stands against it."""
        if self.stopped:
            return HeldFor.KILL_SWITCH
        return HeldFor.POLICY_IN_DOUBT if self.problem or self.policy is None or not self.marking else None


def problems(policy: Policy, flow: Flow, bounds: Bounds) -> Iterator[Problem]:
    """Yield everything in `policy` that does not fit the flow or goes beyond `bounds`."""
    yield from _mark_problems(policy, flow)
    for category, phases in policy.modes.items():
        yield from _category_problems(category, flow)
        for phase, mode in phases.items():
            yield from _mode_problems(category, phase, mode, flow, bounds)
    if policy.longest_chars > bounds.longest_chars:
        yield ("longest_chars",), policy.longest_chars, f"expected at most {bounds.longest_chars}, as the file says"
    for name, most in bounds.most.model_dump().items():
        if (asked := getattr(policy.limits, name)) > most:
            yield ("limits", name), asked, f"expected at most {most}, as the file says"


def _mark_problems(policy: Policy, flow: Flow) -> Iterator[Problem]:
    for name, mark in policy.marks.items():
        if name not in flow.criteria:
            yield ("marks", name), mark, f"{name!r} is no criterion; expected one of {[*flow.criteria]}"
        elif not flow.criteria[name].bar <= mark <= 5:
            yield ("marks", name), mark, f"expected a mark from the flow's bar {flow.criteria[name].bar} to 5"


def _category_problems(category: str, flow: Flow) -> Iterator[Problem]:
    if category in GATED:
        yield ("modes", category), category, "is held by a gate, and nothing lowers a gate"
    elif category not in flow.categories:
        yield ("modes", category), category, f"expected one of {[*flow.categories]}"


def _mode_problems(category: str, phase: str, mode: Mode, flow: Flow, bounds: Bounds) -> Iterator[Problem]:
    place = ("modes", category, phase)
    known = flow.categories.get(category)
    if phase not in flow.phases:
        yield place, phase, f"expected one of {[*flow.phases]}"
    elif known and known.answered_by is AnsweredBy.PHARMACIST and mode is not Mode.OFF:
        yield place, mode.value, f"expected 'off': {category} is answered by a pharmacist"
    elif known and mode is Mode.AUTO and (category, phase) not in bounds.may_be_automatic:
        yield place, mode.value, "expected 'off' or 'suggest': it is not among what the file lets be automatic"
