"""The routes: each is one pure choice over the state."""

from datetime import UTC, datetime
from typing import cast

import pytest

from graph.routes import after_choose, after_judge, after_screen, after_triage
from graph.state import FlowState, Request
from nodes.screen import Standing
from nodes.triage import Triage
from pharmacy.domain.conversation import Transcript
from pharmacy.domain.facts import Patient
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.judgement import Judgement, Mark
from pharmacy.domain.outcome import Draft, Reason

STANDING = Standing(datetime(2026, 1, 15, tzinfo=UTC), Patient("p-1"))
WHY = Reason("model_unavailable", "down")
GOOD, BAD = Judgement({"safety": Mark(5, 4, "")}), Judgement({"safety": Mark(1, 4, "")})


def state(requested: bool = False, **keys: object) -> FlowState:
    """Return a state with `keys`, for a run that a pharmacist `requested` or not."""
    request = Request(Transcript(()), STANDING, "intake", requested=requested)
    return cast("FlowState", {"request": request, **keys})


def hits(*tiers: Tier) -> tuple[GateHit, ...]:
    """Return one hit of each tier."""
    return tuple(GateHit(f"r.{tier}", tier, (0, 0), "") for tier in tiers)


GATES = [
    pytest.param((), False, False, id="no-hit"),
    pytest.param((Tier.H,), False, True, id="human"),
    pytest.param((Tier.U,), False, True, id="urgent"),
    pytest.param((Tier.H, Tier.E), False, True, id="emergency"),
    pytest.param((Tier.H, Tier.U), True, False, id="urgent-on-request"),
    pytest.param((Tier.H, Tier.E), True, True, id="emergency-on-request"),
]


@pytest.mark.parametrize(("tiers", "requested", "held"), GATES)
async def test_after_screen(tiers: tuple[Tier, ...], requested: bool, held: bool) -> None:
    found = await after_screen(state(requested, screened=hits(*tiers)))

    assert found == ("hand_over" if held else "triage")


@pytest.mark.parametrize(("tiers", "requested", "held"), GATES)
@pytest.mark.parametrize("category", [None, "follow_up"])
async def test_after_triage(tiers: tuple[Tier, ...], requested: bool, held: bool, category: str | None) -> None:
    found = await after_triage(state(requested, triage=Triage(hits(*tiers)), category=category, reason=None))

    onward = f"generate_{category}" if category else ["classify", "switch_phase"]
    assert found == ("hand_over" if held else onward)


async def test_after_triage_with_a_category_that_no_machine_answers() -> None:
    assert await after_triage(state(triage=Triage(), category="pharmacist_only", reason=WHY)) == "hand_over"


async def test_after_triage_with_a_fault() -> None:
    assert await after_triage(state(fault=WHY)) == "hand_over"


@pytest.mark.parametrize(
    ("keys", "onward"),
    [
        pytest.param({"category": "follow_up", "reason": None}, "generate_follow_up", id="a-category"),
        pytest.param({"category": "follow_up", "reason": WHY}, "hand_over", id="a-reason"),
        pytest.param({"fault": WHY}, "hand_over", id="a-fault"),
    ],
)
async def test_after_choose(keys: dict[str, object], onward: str) -> None:
    assert await after_choose(state(**keys)) == onward  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("keys", "onward"),
    [
        pytest.param({"judgement": GOOD, "held_for": ()}, "auto_send", id="good-and-nothing-against-it"),
        pytest.param({"judgement": GOOD, "held_for": ("requested",)}, "suggest", id="good-and-held"),
        pytest.param({"judgement": BAD, "held_for": ()}, "generate_follow_up", id="below-the-bar-with-drafts-left"),
        pytest.param(
            {"judgement": BAD, "held_for": (), "drafts": (Draft("a"), Draft("b"))}, "hand_over", id="none-left"
        ),
        pytest.param({"judgement": None, "held_for": ()}, "hand_over", id="unjudged"),
        pytest.param({"judgement": GOOD, "held_for": (), "fault": WHY}, "hand_over", id="a-fault"),
    ],
)
async def test_after_judge(keys: dict[str, object], onward: str) -> None:
    found = await after_judge(2)(state(**{"category": "follow_up", "drafts": (Draft("a"),), **keys}))  # type: ignore[arg-type]

    assert found == onward
