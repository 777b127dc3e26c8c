"""How good a local student is on families of messages that it was not taught."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.clustered_mean import estimate, totals
from evaluation.student_examples import Example
from pharmacy.domain.share import Share
from pharmacy.models.local.linear_weights import LinearWeights
from pharmacy.models.local.opinion import MIXED, Opinion, category_opinion, phase_opinion


@dataclass(frozen=True)
class Answered:
    """One held-out message with what the student made of it."""

    example: Example
    opinion: Opinion
    given: str
    """The answer it gives: its label, or what stands in for it below the threshold."""

    @property
    def default(self) -> str:
        """The answer under which no machine does anything: a person answers, the phase stays."""
        return self.example.phase or MIXED

    @property
    def withheld(self) -> bool:
        """True when the student had another answer and was not sure enough to give it."""
        return self.given != self.opinion.label

    @property
    def right(self) -> bool:
        """True when the answer it gives is the pharmacist's."""
        return self.given == self.example.answer


@dataclass(frozen=True)
class StudentFigures:
    """One student on its held-out families."""

    answers: Sequence[Answered]

    @property
    def accuracy(self) -> Share:
        """How often the surest label is right, sure enough or not."""
        return _share([answer.opinion.label == answer.example.answer for answer in self.answers])

    @property
    def accuracy_given(self) -> Share:
        """How often the answer it gives is right; what is withheld counts as the default."""
        return _share([answer.right for answer in self.answers])

    @property
    def accuracy_acted(self) -> Share:
        """How often it is right when it names a machine's category, or moves the phase."""
        return _share([answer.right for answer in self.answers if answer.given != answer.default])

    @property
    def withheld(self) -> Share:
        """How often low confidence made it hand over, or leave the phase as it is."""
        return _share([answer.withheld for answer in self.answers])

    @property
    def needless(self) -> Share:
        """Of the messages that a machine could have answered or moved, the share that it did not act on."""
        return _share([a.given == a.default for a in self.answers if a.example.answer != a.default])

    @property
    def accuracy_by_family(self) -> tuple[float, float]:
        """The 95% interval of `accuracy` that counts families, not messages: wordings of one idea are alike."""
        hits = [float(answer.opinion.label == answer.example.answer) for answer in self.answers]
        found = estimate(totals(hits, [answer.example.family for answer in self.answers]))
        return found.low, found.high

    @property
    def calibration_error(self) -> float:
        """The expected calibration error over ten bins: 0 is honest, 1 is always sure and always wrong."""
        bins: dict[int, list[Answered]] = {}
        for answer in self.answers:
            bins.setdefault(min(9, int(answer.opinion.confidence * 10)), []).append(answer)
        return sum(abs(_gap(held)) * len(held) for held in bins.values()) / max(1, len(self.answers))

    @property
    def confusion(self) -> Mapping[tuple[str, str], int]:
        """(right label, surest label) to how often."""
        return Counter((answer.example.answer, answer.opinion.label) for answer in self.answers)

    def failures(self, most: int = 10) -> list[Answered]:
        """Return wrong given answers, one per family: what a machine did wrongly first, the surest first."""
        wrong = [answer for answer in self.answers if not answer.right]
        wrong.sort(key=lambda answer: (answer.given == answer.default, -answer.opinion.confidence))
        first = {answer.example.family: answer for answer in reversed(wrong)}
        return [answer for answer in wrong if first[answer.example.family] is answer][:most]


def student_figures(weights: LinearWeights, examples: Sequence[Example]) -> StudentFigures:
    """Return how `weights` do on `examples`."""
    return StudentFigures([_answered(weights, example) for example in examples])


def _answered(weights: LinearWeights, example: Example) -> Answered:
    if example.phase is None:
        opinion, default = category_opinion(weights, example.text), MIXED
    else:
        opinion, default = phase_opinion(weights, example.phase, example.last_reply, example.text), example.phase
    sure = opinion.confidence >= weights.card.threshold or bool(opinion.mixed)
    return Answered(example, opinion, opinion.label if sure else default)


def _gap(held: Sequence[Answered]) -> float:
    right = sum(answer.opinion.label == answer.example.answer for answer in held)
    return (sum(answer.opinion.confidence for answer in held) - right) / len(held)


def _share(hits: Sequence[bool]) -> Share:
    return Share(sum(hits), len(hits))
