"""What may go out by itself, and everything that keeps it from doing so."""

from dataclasses import replace

import pytest

from graph.state import Request
from pharmacy.domain.facts import Consent, Patient
from pharmacy.domain.outcome import Outcome, OutcomeKind
from tests.flow.setting import GOOD, QUESTION, STANDING, URGENT, marked, models, request, run

ALLOWED = [("order_delivery", "intake")]


async def ended(
    asked: Request, *, auto: list[tuple[str, str]] | None = None, fallback: bool = False, phase: str = "intake"
) -> Outcome:
    """Return how a run with a good draft ends."""
    scripted = models(drafts=[GOOD], marks=[marked()], fallback_used=fallback, phase=phase)
    return await run(asked, scripted, auto=ALLOWED if auto is None else auto)


async def test_a_good_draft_with_nothing_against_it_goes_out_by_itself() -> None:
    outcome = await ended(request(QUESTION))

    assert outcome.kind is OutcomeKind.AUTO_SENT
    assert (outcome.reply, outcome.held_for) == (GOOD, ())
    assert outcome.judgement is not None
    assert outcome.judgement.clears


@pytest.mark.parametrize(
    ("changes", "held_for"),
    [
        pytest.param({"first_contact": True}, "first_contact", id="first-contact"),
        pytest.param({"patient": Patient("p-1")}, "consent_unknown", id="consent-unknown"),
        pytest.param(
            {"patient": Patient("p-1", consent=Consent(training=True))},
            "consent_unknown",
            id="consent-to-training-only",
        ),
    ],
)
async def test_where_the_patient_stands_can_hold_a_good_draft(changes: dict[str, object], held_for: str) -> None:
    outcome = await ended(request(QUESTION, standing=replace(STANDING, **changes)))  # type: ignore[arg-type]

    assert (outcome.kind, outcome.held_for) == (OutcomeKind.SUGGESTION, (held_for,))


async def test_refused_consent_is_not_even_drafted() -> None:
    refused = replace(STANDING, patient=Patient("p-1", consent=Consent(replies=False)))

    outcome = await ended(request(QUESTION, standing=refused))

    assert outcome.reason is not None
    assert outcome.reason.code == "consent_refused"


async def test_a_draft_that_a_pharmacist_asked_for_waits_for_one() -> None:
    outcome = await ended(request(QUESTION, requested=True))

    assert (outcome.kind, outcome.held_for) == (OutcomeKind.SUGGESTION, ("requested",))


async def test_a_draft_by_a_fallback_model_waits() -> None:
    outcome = await ended(request(QUESTION), fallback=True)

    assert outcome.held_for == ("provider_fallback",)


@pytest.mark.parametrize(
    "auto",
    [
        pytest.param([], id="nothing-listed"),
        pytest.param([("follow_up", "intake")], id="another-category"),
        pytest.param([("order_delivery", "purchase")], id="another-phase"),
    ],
)
async def test_what_is_not_on_the_list_waits(auto: list[tuple[str, str]]) -> None:
    outcome = await ended(request(QUESTION), auto=auto)

    assert outcome.held_for == ("not_allow_listed",)


async def test_the_phase_that_counts_is_the_one_after_the_reply() -> None:
    outcome = await ended(request(QUESTION), phase="proposal")

    assert outcome.held_for == ("not_allow_listed",)


async def test_every_reason_to_wait_is_told() -> None:
    standing = replace(STANDING, first_contact=True, patient=Patient("p-1"))

    outcome = await ended(request(URGENT, standing=standing, requested=True), auto=[], fallback=True)

    assert outcome.held_for == (
        "requested", "first_contact", "consent_unknown", "provider_fallback", "not_allow_listed"
    )  # fmt: skip


async def test_a_mark_at_the_bar_clears_and_one_below_does_not() -> None:
    at_the_bar = models(drafts=[GOOD], marks=[marked(safety=4, accuracy=4, tone=3)])
    below = models(drafts=[GOOD] * 3, marks=[marked(safety=3)] * 3)

    passed = await run(request(QUESTION), at_the_bar, auto=ALLOWED)
    failed = await run(request(QUESTION), below, auto=ALLOWED)

    assert (passed.kind, failed.kind) == (OutcomeKind.AUTO_SENT, OutcomeKind.HANDOVER)


async def test_words_that_pass_only_at_the_second_look_wait_for_a_pharmacist() -> None:
    asked = models(drafts=[GOOD, GOOD], marks=[marked(safety=2), marked()])

    outcome = await run(request(QUESTION), asked, auto=ALLOWED)

    assert outcome.kind is OutcomeKind.SUGGESTION
    assert outcome.held_for == ("marked_down_before",)
