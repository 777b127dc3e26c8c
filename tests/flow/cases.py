"""Runs that between them walk every edge of the shipped flow."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from graph.state import Request
from pharmacy.domain.outcome import OutcomeKind
from tests.fakes.scripted_run_models import ScriptedRunModels
from tests.flow.setting import (
    ANOTHER,
    EMERGENCY,
    FLOW,
    GOOD,
    QUESTION,
    STANDING,
    classified,
    marked,
    models,
    request,
)

MACHINE = [category.name for category in FLOW.machine_categories]


@dataclass(frozen=True)
class Case:
    """One run, and how it has to end."""

    name: str
    request: Request
    models: ScriptedRunModels
    ends: OutcomeKind
    auto: tuple[tuple[str, str], ...] = ()


def cases() -> list[Case]:
    """Return every case, with answers of its own to give."""
    return [*_held(), *(case for category in MACHINE for case in _of_category(category))]


def _held() -> Iterator[Case]:
    taken = request(QUESTION, standing=replace(STANDING, taken_over=True))
    yield Case("screen-holds", taken, models(), OutcomeKind.HANDOVER)
    yield Case("triage-holds", request(EMERGENCY), models(), OutcomeKind.HANDOVER)
    unsure = models(classify=[classified("pharmacist_only")])
    yield Case("choose-holds", request(QUESTION), unsure, OutcomeKind.HANDOVER)
    low = models(drafts=[GOOD, ANOTHER, "三つ目の下書きです。お待ちください。"], marks=[marked(1)] * 3)
    yield Case("drafts-used-up", request(QUESTION), low, OutcomeKind.HANDOVER)
    sure = models(drafts=[GOOD], marks=[marked()])
    allowed = (("order_delivery", "intake"),)
    yield Case("goes-out-by-itself", request(QUESTION), sure, OutcomeKind.AUTO_SENT, allowed)


def _of_category(category: str) -> Iterator[Case]:
    chosen = models(category=category, drafts=[GOOD, ANOTHER], marks=[marked(safety=1), marked()])
    yield Case(f"{category}-chosen-and-written-again", request(QUESTION), chosen, OutcomeKind.SUGGESTION)
    opening = FLOW.categories[category].openings[0]
    opened = models(category=category, drafts=[GOOD], marks=[marked()])
    yield Case(f"{category}-by-its-opening", request(opening), opened, OutcomeKind.SUGGESTION)
