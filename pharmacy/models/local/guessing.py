"""What a message is likely about, as the local students see it: a guess to begin with, and not to go by."""

from dataclasses import dataclass

from pharmacy.models.local.opinion import MIXED, confidences, part_opinions, phase_opinion
from pharmacy.models.local.student import Student
from pharmacy.models.local.student_fields import classify_fields, latest_exchange

MOST, LEAST_CONFIDENCE = 2, 0.1
"""At most so many categories are guessed, each at least so likely.

Of the 531 held-out examples that a machine may answer, the category is among them in 96%, where naming one alone when
the student is sure found 64% and naming the likeliest always 94%; for 736 examples 225 drafts begin in vain.
"""


@dataclass(frozen=True)
class Guesser:
    """Guesses by the two students that ship with the program."""

    categories: Student
    phases: Student

    def __call__(self, conversation: str, phase: str) -> tuple[tuple[str, ...], str]:
        """Return the likely categories, the likeliest first, and the likely phase.

        No category where the message speaks of two matters: that is a person's.

        Args:
            conversation: as prompts render it.
            phase: the one that it is in.
        """
        last_reply, text = latest_exchange(conversation)
        weights = self.categories.weights
        sure = {part.label for part in part_opinions(weights, text) if part.confidence >= weights.card.mixed_from}
        if len(sure - {MIXED}) > 1:
            return (), phase
        confidence = confidences(weights.logits(classify_fields(text)), weights.card.labels)
        likely = [label for label, share in confidence.items() if share >= LEAST_CONFIDENCE and label != MIXED]
        found = (*sorted(likely, key=lambda label: -confidence[label])[:MOST],)
        return found, self._phase(phase, last_reply, text)

    def _phase(self, phase: str, last_reply: str, text: str) -> str:
        if phase not in self.phases.card.moves:  # another flow's phase
            return phase
        found = phase_opinion(self.phases.weights, phase, last_reply, text)
        return found.label if found.confidence >= self.phases.card.threshold else phase


def guesser() -> Guesser:
    """Return it, with the weights read.

    Raises:
        ConfigError: they were taught with other word kinds than the ones that would be read now.
    """
    return Guesser(Student.load("classify"), Student.load("switch_phase"))
