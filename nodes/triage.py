"""Step 2: hold what a machine must not answer, by its words, and know the openings that name their category."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pharmacy.domain.gates.hit import GateHit, Tier, highest
from pharmacy.domain.gates.recognise import Recognition


class Reads(Protocol):
    """What reads a text by the gate's rules."""

    def recognise(self, text: str) -> Recognition:
        """Return which rules hold `text`."""
        ...


@dataclass(frozen=True)
class Triage:
    """What the words alone say."""

    hits: tuple[GateHit, ...] = ()
    opening: str | None = None
    """The category that a menu button or form named by itself."""

    @property
    def tier(self) -> Tier | None:
        """The most pressing tier found, or None."""
        return highest(hit.tier for hit in self.hits)


def triage(texts: Sequence[str], recogniser: Reads, openings: Mapping[str, str]) -> Triage:
    """Return the gates that the patient's messages trip, read one by one and as one text.

    Intake calls this before it commits, and the flow's node calls it again: the same words, the same answer.

    Args:
        texts: the messages to answer, oldest first; a plea may be spread over several.
        openings: whole message to the category it names.
    """
    readings = dict.fromkeys([*texts, "\n".join(texts)])
    hits = tuple(dict.fromkeys(hit for text in readings for hit in recogniser.recognise(text).hits))
    opening = openings.get(texts[0].strip()) if len(texts) == 1 and not hits else None
    return Triage(hits, opening)
