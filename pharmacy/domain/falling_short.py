"""By how much a draft misses what the policy asks of an automatic reply."""

from collections.abc import Container, Iterator

from pharmacy.domain.held_for import HeldFor, Reached
from pharmacy.domain.outcome import Draft
from pharmacy.domain.policy import InForce


def falls_short(draft: Draft, policy: InForce, held_for: Container[HeldFor]) -> Iterator[Reached]:
    """Yield each mark below the one asked for, and the length where it is beyond the longest.

    Args:
        held_for: what the draft is held for; nothing is yielded of anything else.
    """
    marks = draft.judgement.marks if draft.judgement else {}
    if HeldFor.MARK_BELOW_AUTOMATIC in held_for:
        for name, floor in policy.floors.items():
            mark = marks[name].mark if name in marks else None
            if mark is None or mark < floor:
                yield Reached(HeldFor.MARK_BELOW_AUTOMATIC, mark, floor, name)
    if HeldFor.TOO_LONG in held_for and policy.policy is not None:
        yield Reached(HeldFor.TOO_LONG, len(draft.text), policy.policy.longest_chars)
