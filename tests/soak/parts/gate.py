"""The gate on the labelled sets: what it holds of each tier, and how much it holds of what it should let go."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluation.gates import Outcome, most_missed
from evaluation.gates import measure as measure_set
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.gates.recognise import Recogniser
from tests.soak.part import Part, Run
from tests.soak.promises import Figure

DATA = Path(__file__).resolve().parents[2] / "data"
PUBLIC, NEWER = "gate-utterances.jsonl", "gate-heldback-4.jsonl"
"""Neither rules nor training were made from the rows of the newer one."""


def measure(run: Run) -> Iterator[Figure]:
    """Read both sets with the shipped rules."""
    recogniser = Recogniser.load()
    public, newer = (measure_set(DATA / name, recogniser) for name in (PUBLIC, NEWER))
    missed, total = _missed(public, Tier.E)
    yield Figure("P17", "emergencies of the public set not held as such", f"{missed} of {total}", "0", missed == 0)
    missed, total = _missed(newer, Tier.E)
    let_go = sum(outcome.wanted is Tier.E and outcome.found is None for outcome in newer)
    for what, few in (("not held as such", missed), ("not held at all", let_go)):
        told = f"{few} of {total}, at most {most_missed(few, total):.1%} with 95% confidence"
        yield Figure("P17", f"emergencies on held-back wordings {what}", told, "aim 0", few == 0, is_aim=True)
    for tier in (Tier.U, Tier.H):
        found = [outcome.found for outcome in newer if outcome.wanted is tier]
        held, at_tier = sum(one is not None for one in found), len(found) - _missed(newer, tier)[0]
        told = f"{held} of {len(found)} ({held / len(found):.1%}), {at_tier} of them at {tier} or above"
        yield Figure("P17", f"{tier} held on held-back wordings", told, "95%", held / len(found) >= 0.95)
    near = [outcome for outcome in newer if outcome.wanted is None]
    held = sum(not outcome.is_right for outcome in near)
    told = f"{held} of {len(near)} ({held / len(near):.1%})"
    yield Figure("P17", "near-misses held", told, "10%", held / len(near) <= 0.1)


def _missed(outcomes: Sequence[Outcome], tier: Tier) -> tuple[int, int]:
    wanted = [outcome for outcome in outcomes if outcome.wanted is tier]
    return sum(not outcome.is_right for outcome in wanted), len(wanted)


PART = Part("read the labelled sets with the shipped rules", ("P17",), 1, measure)
