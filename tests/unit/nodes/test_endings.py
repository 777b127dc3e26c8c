"""`suggest`, `auto_send` and `hand_over`: the three outcomes, and what a person is told."""

from dataclasses import replace

import pytest

from nodes.auto_send import auto_send
from nodes.hand_over import gate_reason, hand_over, holds, with_gates
from nodes.suggest import suggest
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.judgement import Judgement, Mark
from pharmacy.domain.outcome import Draft, Outcome, OutcomeKind, Reason

DRAFT = Draft("お待ちください。", Judgement({"safety": Mark(5, 4, "よい")}))


def hit(rule: str, tier: Tier, matched: str = "") -> GateHit:
    """Return a hit of `rule`."""
    return GateHit(rule, tier, (0, 0), matched)


def test_a_suggestion_carries_the_draft_its_judgement_and_why_it_waits() -> None:
    assert suggest(DRAFT, "follow_up", "taking", ("first_contact",)) == Outcome(
        OutcomeKind.SUGGESTION, "follow_up", "taking", DRAFT.text, DRAFT.judgement, held_for=("first_contact",)
    )


def test_an_automatic_reply_carries_the_marked_draft_and_its_judgement() -> None:
    assert auto_send(DRAFT, "follow_up", "taking", "※自動のお返事です。") == Outcome(
        OutcomeKind.AUTO_SENT, "follow_up", "taking", f"{DRAFT.text}\n\n※自動のお返事です。", DRAFT.judgement
    )


def test_a_handover_carries_no_reply() -> None:
    outcome = hand_over(Reason("triage", "why"), None, "intake")

    assert (outcome.kind, outcome.reply, outcome.category) == (OutcomeKind.HANDOVER, None, None)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("screen.too_old", "too_old"),
        ("screen.open_case", "open_case"),
        ("profile.age", "patient_profile"),
        ("emergency_neuro.slurred", "triage"),
        ("rules_unreadable", "triage"),
    ],
)
def test_a_gates_code_says_what_sort_of_gate_it_is(rule: str, code: str) -> None:
    assert gate_reason([hit(rule, Tier.H)]).code == code


def test_the_most_pressing_hit_gives_the_code_and_all_are_told() -> None:
    hits = [hit("screen.taken_over", Tier.H), hit("neuro.slurred", Tier.E, "ろれつ"), hit("profile.age", Tier.H, "80")]

    reason = gate_reason(hits)

    assert (reason.code, reason.tier, reason.hits) == ("triage", Tier.E, tuple(hits))
    assert reason.detail == "screen.taken_over; neuro.slurred: ろれつ; profile.age: 80"


def test_no_hit_is_no_reason() -> None:
    with pytest.raises(ValueError, match="at least one hit"):
        gate_reason([])


@pytest.mark.parametrize(
    ("tier", "on_its_own", "on_request"),
    [(None, False, False), (Tier.H, True, False), (Tier.U, True, False), (Tier.E, True, True)],
)
def test_only_an_emergency_stands_in_a_requests_way(tier: Tier | None, on_its_own: bool, on_request: bool) -> None:
    assert holds(tier, requested=False) is on_its_own
    assert holds(tier, requested=True) is on_request


@pytest.mark.parametrize(
    ("own", "hits", "named", "tier"),
    [
        pytest.param(None, [], None, None, id="nothing"),
        pytest.param(None, [Tier.H], None, Tier.H, id="a-hit"),
        pytest.param(Tier.H, [Tier.H, Tier.U], None, Tier.U, id="the-highest-hit"),
        pytest.param(Tier.U, [Tier.H], None, Tier.U, id="its-own"),
        pytest.param(None, [Tier.H], Tier.E, Tier.E, id="the-classifiers"),
    ],
)
def test_the_highest_tier_wins(own: Tier | None, hits: list[Tier], named: Tier | None, tier: Tier | None) -> None:
    reason = with_gates(Reason("fault", "why", own), [hit(f"r.{each}", each) for each in hits], named)

    assert reason.tier is tier
    assert len(reason.hits) == len(hits)


def test_hits_that_are_told_already_are_not_told_twice() -> None:
    one = hit("neuro.slurred", Tier.E)

    assert with_gates(gate_reason([one]), [one, replace(one)]).hits == (one,)
