"""What holds a message, whose request passes which gate, and that the highest tier is carried."""

from dataclasses import replace

import pytest

from pharmacy.domain.conversation import Author, Turn
from pharmacy.domain.facts import Patient
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.outcome import OutcomeKind, Reason
from tests.flow.setting import (
    EMERGENCY,
    GOOD,
    HUMAN,
    NOW,
    QUESTION,
    STANDING,
    URGENT,
    classified,
    marked,
    models,
    request,
    run,
)

OLD = Patient("p-1", birth_year=1930)


async def reason_of(*texts: str, **changes: object) -> Reason:
    """Return why a person has to look at `texts`; no model may be asked."""
    asked = models()

    outcome = await run(request(*texts, **changes), asked)  # type: ignore[arg-type]

    assert outcome.kind is OutcomeKind.HANDOVER
    assert not asked.asked
    assert outcome.reason is not None
    return outcome.reason


@pytest.mark.parametrize(
    ("words", "tier"),
    [
        pytest.param(EMERGENCY, Tier.E, id="emergency"),
        pytest.param(URGENT, Tier.U, id="urgent"),
        pytest.param(HUMAN, Tier.H, id="human"),
    ],
)
async def test_words_that_gate_reach_a_person_before_any_model(words: str, tier: Tier) -> None:
    reason = await reason_of(f"{QUESTION}。{words}です")

    assert (reason.code, reason.tier) == ("triage", tier)
    assert [hit.matched for hit in reason.hits] == [words]


async def test_an_emergency_behind_a_structural_gate_is_still_an_emergency() -> None:
    reason = await reason_of(EMERGENCY, standing=replace(STANDING, taken_over=True))

    assert (reason.code, reason.tier) == ("triage", Tier.E)
    assert [hit.rule for hit in reason.hits] == ["screen.taken_over", f"words.{EMERGENCY}"]


async def test_an_open_emergency_holds_whatever_is_written_next() -> None:
    reason = await reason_of("もう大丈夫です", standing=replace(STANDING, open_case=Tier.E))

    assert (reason.code, reason.tier) == ("open_case", Tier.E)


async def test_an_opening_with_a_gated_message_is_no_short_cut() -> None:
    reason = await reason_of("【メニュー】注文・配送", HUMAN)

    assert reason.tier is Tier.H


@pytest.mark.parametrize("words", [URGENT, HUMAN])
async def test_a_pharmacists_request_passes_what_is_not_an_emergency(words: str) -> None:
    asked = models(drafts=[GOOD], marks=[marked()])

    outcome = await run(request(words, standing=replace(STANDING, patient=OLD), requested=True), asked)

    assert outcome.kind is OutcomeKind.SUGGESTION
    assert "requested" in outcome.held_for


async def test_a_pharmacists_request_does_not_pass_an_emergency() -> None:
    assert (await reason_of(EMERGENCY, requested=True)).tier is Tier.E


async def test_a_pharmacists_request_does_not_pass_an_open_emergency() -> None:
    held = await reason_of(QUESTION, standing=replace(STANDING, open_case=Tier.E), requested=True)

    assert held.code == "open_case"


@pytest.mark.parametrize(
    ("safety", "tier"),
    [("human", Tier.H), ("urgent", Tier.U), ("emergency", Tier.E)],
)
async def test_the_classifiers_safety_class_adds_a_gate(safety: str, tier: Tier) -> None:
    outcome = await run(request(QUESTION), models(safety=safety))

    assert outcome.reason is not None
    assert (outcome.reason.code, outcome.reason.tier) == ("safety_class", tier)


async def test_the_classifiers_emergency_holds_a_pharmacists_request() -> None:
    outcome = await run(request(QUESTION, requested=True), models(safety="emergency"))

    assert outcome.reason is not None
    assert outcome.reason.tier is Tier.E


async def test_a_clear_safety_class_lowers_no_gate() -> None:
    asked = models(classify=[classified("pharmacist_only")])

    outcome = await run(request(URGENT, requested=True), asked)

    assert outcome.reason is not None
    assert (outcome.reason.code, outcome.reason.tier) == ("pharmacist_only", Tier.U)


async def test_a_requested_draft_that_never_clears_the_bar_says_so_and_keeps_its_tier() -> None:
    drafts = ["一つ目の下書きです。", "二つ目の下書きです。", "三つ目の下書きです。"]
    asked = models(drafts=drafts, marks=[marked(1)] * 3)

    outcome = await run(request(URGENT, requested=True), asked)

    assert outcome.reason is not None
    assert (outcome.reason.code, outcome.reason.tier) == ("drafts_used_up", Tier.U)


async def test_a_category_that_is_a_pharmacists_reaches_one() -> None:
    outcome = await run(request(QUESTION), models(classify=[classified("pharmacist_only")]))

    assert outcome.kind is OutcomeKind.HANDOVER
    assert outcome.reason is not None
    assert outcome.reason.code == "pharmacist_only"


async def test_the_phase_stays_when_a_person_takes_over() -> None:
    outcome = await run(request(QUESTION), models(safety="human", phase="proposal"))

    assert outcome.phase == "intake"


async def test_a_bare_yes_to_a_screening_question_reaches_a_person() -> None:
    question = Turn(Author.PHARMACIST, "妊娠の可能性はありますか?", NOW)

    assert (await reason_of("はい", before=[question])).code == "screening_answer"


async def test_a_category_that_a_pharmacist_set_skips_the_models_that_would_name_it() -> None:
    asked = models(drafts=[GOOD], marks=[marked()])

    outcome = await run(request(QUESTION, category="order_delivery", requested=True), asked)

    assert outcome.category == "order_delivery"
    assert [node for node, _ in asked.asked] == ["generate_order_delivery", "judge"]


async def test_a_pharmacists_own_category_that_no_machine_answers_reaches_a_person() -> None:
    assert (await reason_of(QUESTION, category="pharmacist_only", requested=True)).code == "pharmacist_only"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"phase": "trial"}, id="phase"),
        pytest.param({"category": "refund"}, id="category"),
    ],
)
async def test_what_stands_under_an_older_flow_file_reaches_a_person(changes: dict[str, object]) -> None:
    reason = await reason_of(EMERGENCY, requested=True, **changes)
    calm = await reason_of(QUESTION, **changes)

    assert reason.tier is Tier.E
    assert (calm.code, calm.tier) == ("fault", None)
    assert "is none of" in calm.detail
