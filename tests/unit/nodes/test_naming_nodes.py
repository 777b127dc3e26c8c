"""`classify`, `switch_phase` and `choose`: what the conversation is about, and what may follow."""

import json

import pytest

from nodes.choose import choose
from nodes.classify import BLANKS as CLASSIFY_BLANKS
from nodes.classify import Classification, Safety, classification_schema, classify
from nodes.load import load_flow
from nodes.switch_phase import BLANKS as SWITCH_PHASE_BLANKS
from nodes.switch_phase import PhaseSwitch, phase_schema, switch_phase
from pharmacy.domain.errors import ReplyUnreadable
from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.policy import InForce
from tests.fakes.scripted_model import ScriptedModel
from tests.unit.nodes.asking import QUESTION, TALK, compose

FLOW = load_flow()
STAY = PhaseSwitch("intake", "まだ")


async def classified(answer: object) -> Classification:
    """Return what `classify` makes of a model's raw answer."""
    model = ScriptedModel(json.dumps(answer))
    return await classify(TALK, compose, classification_schema(FLOW), model)


async def test_classify_returns_what_the_model_named() -> None:
    found = await classified({"safety": "urgent", "category": "follow_up", "reason": "経過"})

    assert found == Classification(Safety.URGENT, "follow_up", "経過")


async def test_classify_shows_the_conversation_and_nothing_else() -> None:
    model = ScriptedModel({"safety": "clear", "category": "follow_up", "reason": ""})

    await classify(TALK, compose, classification_schema(FLOW), model)

    (prompt,) = model.prompts
    assert prompt.blanks.keys() == CLASSIFY_BLANKS
    assert QUESTION in prompt.blanks["conversation"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"safety": "clear", "category": "refund", "reason": ""}, id="unknown-category"),
        pytest.param({"safety": "safe", "category": "follow_up", "reason": ""}, id="unknown-class"),
        pytest.param({"safety": "clear", "category": "Follow_up", "reason": ""}, id="another-case"),
        pytest.param({"category": "follow_up", "reason": ""}, id="no-class"),
        pytest.param({"safety": "clear", "category": "follow_up", "reason": "", "score": 1}, id="one-field-more"),
        pytest.param({"safety": "clear", "category": "follow_up", "reason": 1}, id="reason-no-text"),
        pytest.param([{"safety": "clear", "category": "follow_up", "reason": ""}], id="a-list"),
    ],
)
async def test_classify_refuses_what_nobody_defined(answer: object) -> None:
    with pytest.raises(ReplyUnreadable):
        await classified(answer)


def test_the_deciding_fields_stand_before_their_reason() -> None:
    assert [*classification_schema(FLOW).model_fields] == ["safety", "category", "reason"]
    assert [*phase_schema(FLOW, "intake").model_fields] == ["phase", "reason"]


def test_the_schemas_lists_are_closed() -> None:
    category = classification_schema(FLOW).model_json_schema()["properties"]["category"]
    phase = phase_schema(FLOW, "proposal").model_json_schema()["properties"]["phase"]

    assert category["enum"] == [*FLOW.categories]
    assert phase["enum"] == ["proposal", "intake", "purchase"]


@pytest.mark.parametrize("phase", [*FLOW.phases])
async def test_switch_phase_may_stay_or_take_one_step_that_the_flow_allows(phase: str) -> None:
    for after in FLOW.phases_after(phase):
        model = ScriptedModel({"phase": after, "reason": "理由"})

        found = await switch_phase(TALK, phase, FLOW, compose, phase_schema(FLOW, phase), model)

        assert found == PhaseSwitch(after, "理由")
        assert model.prompts[0].blanks.keys() == SWITCH_PHASE_BLANKS
        assert model.prompts[0].blanks["allowed"] == "、".join(FLOW.phases_after(phase))


async def test_switch_phase_refuses_a_step_that_the_flow_does_not_allow() -> None:
    model = ScriptedModel({"phase": "taking", "reason": "もう飲んでいる"})

    with pytest.raises(ReplyUnreadable):
        await switch_phase(TALK, "intake", FLOW, compose, phase_schema(FLOW, "intake"), model)


def test_choose_joins_category_and_phase() -> None:
    found = choose(
        Classification(Safety.CLEAR, "follow_up", ""), PhaseSwitch("taking", ""), FLOW, InForce(), requested=False
    )

    assert (found.category, found.phase, found.reason) == ("follow_up", "taking", None)


@pytest.mark.parametrize(
    ("safety", "requested", "tier"),
    [
        (Safety.HUMAN, False, Tier.H),
        (Safety.URGENT, False, Tier.U),
        (Safety.EMERGENCY, False, Tier.E),
        (Safety.EMERGENCY, True, Tier.E),
    ],
)
def test_choose_lets_the_safety_class_add_a_gate(safety: Safety, requested: bool, tier: Tier) -> None:
    found = choose(Classification(safety, "follow_up", "息苦しい"), STAY, FLOW, InForce(), requested=requested)

    assert found.reason is not None
    assert (found.reason.code, found.reason.tier) == ("safety_class", tier)


@pytest.mark.parametrize("safety", [Safety.HUMAN, Safety.URGENT])
def test_choose_lets_a_pharmacists_request_pass_what_is_no_emergency(safety: Safety) -> None:
    assert choose(Classification(safety, "follow_up", ""), STAY, FLOW, InForce(), requested=True).reason is None


def test_choose_leaves_a_pharmacists_category_to_one_even_on_request() -> None:
    found = choose(Classification(Safety.CLEAR, "pharmacist_only", "迷った"), STAY, FLOW, InForce(), requested=True)

    assert found.reason is not None
    assert found.reason.code == "pharmacist_only"


def test_the_safety_class_weighs_more_than_the_category() -> None:
    found = choose(Classification(Safety.EMERGENCY, "pharmacist_only", ""), STAY, FLOW, InForce(), requested=False)

    assert found.reason is not None
    assert (found.reason.code, found.reason.tier) == ("safety_class", Tier.E)
