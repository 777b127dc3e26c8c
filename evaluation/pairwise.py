"""Which of two texts a judge prefers, asked in both orders because judges favour a place."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evaluation.clustered_mean import Estimate, estimate, totals
from pharmacy.domain.share import Share


class Preferred(StrEnum):
    """What a judge says of two texts, by the place in which they were shown."""

    FIRST = "first"
    SECOND = "second"
    NEITHER = "neither"


class Outcome(StrEnum):
    """How the student's text did against the teacher's."""

    WIN = "win"
    TIE = "tie"
    LOSS = "loss"


_SCORES = {Outcome.WIN: 1.0, Outcome.TIE: 0.5, Outcome.LOSS: 0.0}


@dataclass(frozen=True)
class BothOrders:
    """Two verdicts on the same two texts."""

    student_first: Preferred
    """The verdict when the student's text was shown first."""

    student_second: Preferred
    """The verdict when it was shown second."""

    @property
    def outcome(self) -> Outcome:
        """A win or a loss only where both orders say so; all else is a tie.

        Source: L. Zheng and others, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", arXiv 2306.05685,
        section 3.4, the conservative way.
        """
        both = (self.student_first, self.student_second)
        if both == (Preferred.FIRST, Preferred.SECOND):
            return Outcome.WIN
        return Outcome.LOSS if both == (Preferred.SECOND, Preferred.FIRST) else Outcome.TIE

    @property
    def holds_to_a_place(self) -> bool:
        """Whether the judge preferred the same place both times, whatever stood there."""
        return self.student_first == self.student_second != Preferred.NEITHER


@dataclass(frozen=True)
class WinRate:
    """The student's texts against the teacher's."""

    rate: Estimate
    """Wins and half of the ties, 0 to 1, with a 95% interval over conversations; 0.5 is as good as the teacher."""

    wins: int
    ties: int
    losses: int

    held_to_a_place: Share
    """How often the judge preferred a place and not a text: the higher, the less the rate says."""


def win_rate(verdicts: Sequence[BothOrders], conversations: Sequence[Hashable]) -> WinRate:
    """Return how often the student's text is preferred.

    Args:
        verdicts: one per case, shape (n,).
        conversations: whose case it is, shape (n,).

    Raises:
        ValueError: the two differ in length.
    """
    outcomes = [verdict.outcome for verdict in verdicts]
    counts = {outcome: outcomes.count(outcome) for outcome in Outcome}
    return WinRate(
        rate=estimate(totals([_SCORES[outcome] for outcome in outcomes], conversations)),
        wins=counts[Outcome.WIN],
        ties=counts[Outcome.TIE],
        losses=counts[Outcome.LOSS],
        held_to_a_place=Share(sum(verdict.holds_to_a_place for verdict in verdicts), len(verdicts)),
    )
