"""Judgements and outcomes: when a draft clears, and the names that the API, records and command line share."""

import pytest

from pharmacy.domain.gates.hit import GateHit, Tier, highest
from pharmacy.domain.judgement import Judgement, Mark
from pharmacy.domain.outcome import Draft, Outcome, OutcomeKind, Reason, Step
from pharmacy.domain.outcome_json import drafts_json, hits_json, outcome_json, reason_json, steps_json

GOOD = Judgement({"safety": Mark(5, 4, "よい"), "tone": Mark(3, 3, "ふつう")})


@pytest.mark.parametrize(
    ("judgement", "clears"),
    [
        pytest.param(GOOD, True, id="every-mark-at-its-bar-or-above"),
        pytest.param(Judgement({"safety": Mark(3, 4, "")}), False, id="below"),
        pytest.param(Judgement({"safety": Mark(5, 4, "")}, ("診断です",)), False, id="blocked"),
        pytest.param(Judgement({}), False, id="no-criterion"),
    ],
)
def test_a_draft_clears_when_nothing_stands_against_it(judgement: Judgement, clears: bool) -> None:
    assert judgement.clears is clears


@pytest.mark.parametrize(
    ("tiers", "most"),
    [([], None), ([Tier.H], Tier.H), ([Tier.H, Tier.U], Tier.U), ([Tier.H, Tier.E, Tier.U], Tier.E)],
)
def test_an_emergency_presses_most(tiers: list[Tier], most: Tier | None) -> None:
    assert highest(tiers) is most


def test_a_suggestion_is_told_by_its_fixed_names() -> None:
    outcome = Outcome(
        OutcomeKind.SUGGESTION, "follow_up", "taking", "お待ちください。", GOOD,
        drafts=(Draft("お待ちください。", GOOD),), models={"judge": "m"}, cost_usd=None,
    )  # fmt: skip

    assert outcome_json(outcome, "c-1", 3) == {
        "outcome": "suggestion", "conversation_id": "c-1", "version": 3, "category": "follow_up", "phase": "taking",
        "drafts": 1, "cost_usd": None, "models": {"judge": "m"}, "reply": "お待ちください。",
        "judgement": {
            "safety": {"mark": 5, "bar": 4, "reason": "よい"}, "tone": {"mark": 3, "bar": 3, "reason": "ふつう"}
        },
    }  # fmt: skip


def test_a_handover_tells_its_reason_and_no_reply() -> None:
    outcome = Outcome(OutcomeKind.HANDOVER, None, "intake", reason=Reason("triage", "胸", Tier.E))

    told = outcome_json(outcome, "c-1", 1)

    assert told["reason"] == {"code": "triage", "tier": "E", "detail": "胸"}
    assert not {"reply", "judgement"} & set(told)


def test_a_reason_without_a_tier_names_none() -> None:
    assert reason_json(Reason("pharmacist_only", "迷った")) == {"code": "pharmacist_only", "detail": "迷った"}


def test_an_unjudged_draft_says_so() -> None:
    blocked = Draft("必ず治ります。", Judgement({}, ("保証です",)))

    assert drafts_json([Draft("お待ちください。"), blocked]) == [
        {"text": "お待ちください。", "judgement": None, "blocked": []},
        {"text": "必ず治ります。", "judgement": {}, "blocked": ["保証です"]},
    ]


def test_steps_and_hits_are_plain_values() -> None:
    assert steps_json([Step("screen", 0.12345678, "clear")]) == [
        {"node": "screen", "seconds": 0.123457, "says": "clear"}
    ]
    assert hits_json([GateHit("r.x", Tier.U, (1, 3), "ab")]) == [
        {"rule": "r.x", "tier": "U", "span": [1, 3], "matched": "ab"}
    ]
