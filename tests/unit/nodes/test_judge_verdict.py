"""`judge`: the output gate before the model, and marks that are whole or nothing."""

import json
from dataclasses import replace

import pytest

from nodes.generate import Assignment
from nodes.judge import BLANKS, judge, verdict_schema
from nodes.load import load_flow
from pharmacy.domain.errors import ReplyUnreadable
from pharmacy.domain.facts import Fact, FactSheet
from pharmacy.domain.gates.claims import LintContext
from pharmacy.domain.judgement import Judgement, Mark
from pharmacy.domain.outcome import Draft
from tests.fakes.scripted_model import ScriptedModel
from tests.unit.nodes.asking import LAST_REPLY, TALK, compose

FLOW = load_flow()
ASKED = Assignment(TALK, "order_delivery", "intake", FactSheet((Fact("患者.orders", None),)))
GOOD = "お問い合わせありがとうございます。ご注文の状況を確かめています。"
BEST = {name: {"reason": "よい", "mark": 5} for name in FLOW.criteria}


async def judged(text: str, *answers: object, asked: Assignment = ASKED) -> tuple[Judgement, ScriptedModel]:
    """Return the judgement of `text`, and the model that was asked, if any."""
    model = ScriptedModel(*(each if isinstance(each, str) else json.dumps(each) for each in answers))
    found = await judge(Draft(text), asked, FLOW, LintContext(), compose, verdict_schema(FLOW), model)
    return found, model


async def test_full_marks_clear_every_bar() -> None:
    found, _ = await judged(GOOD, BEST)

    assert found.clears
    assert [*found.marks] == [*FLOW.criteria]
    assert found.reasons == ()


@pytest.mark.parametrize("criterion", [*FLOW.criteria])
async def test_one_mark_below_its_bar_does_not_clear(criterion: str) -> None:
    bar = FLOW.criteria[criterion].bar
    below, _ = await judged(GOOD, {**BEST, criterion: {"reason": "足りない", "mark": bar - 1}})
    at_it, _ = await judged(GOOD, {**BEST, criterion: {"reason": "足りる", "mark": bar}})

    assert (below.clears, at_it.clears) == (False, True)
    assert below.reasons == (f"{criterion} {bar - 1}/5 (基準 {bar}): 足りない",)


SAFETY = {"reason": "よい", "mark": 5}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({k: v for k, v in BEST.items() if k != "safety"}, id="a-criterion-missing"),
        pytest.param({**BEST, "kindness": SAFETY}, id="a-criterion-too-many"),
        pytest.param({**BEST, "safety": {"reason": "よい", "mark": "9/10"}}, id="nine-out-of-ten"),
        pytest.param({**BEST, "safety": {"reason": "よい", "mark": "5"}}, id="a-number-in-quotes"),
        pytest.param({**BEST, "safety": {"reason": "よい", "mark": float("nan")}}, id="not-a-number"),
        pytest.param({**BEST, "safety": {"reason": "よい", "mark": float("inf")}}, id="infinite"),
        pytest.param({**BEST, "safety": {"reason": "よい", "mark": 101}}, id="hundred-and-one"),
        pytest.param({**BEST, "safety": {"reason": "よい", "mark": 6}}, id="six"),
        pytest.param({**BEST, "safety": {"reason": "よい", "mark": 0}}, id="nought"),
        pytest.param({**BEST, "safety": {"reason": "よい", "mark": 4.5}}, id="a-half"),
        pytest.param({**BEST, "safety": {"reason": "よい", "mark": True}}, id="true"),
        pytest.param({**BEST, "safety": {"reason": "よい", "mark": None}}, id="null"),
        pytest.param({**BEST, "safety": {"mark": 5}}, id="no-reason"),
        pytest.param({**BEST, "safety": 5}, id="a-mark-alone"),
        pytest.param({**BEST, "safety": {**SAFETY, "pass": True}}, id="a-field-too-many"),
        pytest.param(f"採点します。{json.dumps(BEST)}", id="text-before-the-json"),
        pytest.param(json.dumps(BEST)[:-1] + ', "safety": {"reason": "", "mark": 5}}', id="a-key-twice"),
        pytest.param("", id="empty"),
        pytest.param("{}", id="no-marks"),
    ],
)
async def test_marks_that_are_not_whole_are_a_fault_and_never_a_pass(answer: object) -> None:
    with pytest.raises(ReplyUnreadable):
        await judged(GOOD, answer)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("この漢方で必ず治ります。", id="a-guarantee"),
        pytest.param("くわしくは https://example.com をご覧ください。", id="a-link"),
        pytest.param("Thank you for your order. It will be shipped tomorrow.", id="english-only"),
        pytest.param("感谢您的订购我们明天会发货请您放心等待谢谢", id="chinese-only"),
        pytest.param(LAST_REPLY, id="the-last-reply-again"),
        pytest.param(LAST_REPLY.replace("。", "。\n"), id="the-last-reply-with-other-line-ends"),
    ],
)
async def test_a_blocked_draft_is_never_shown_to_the_model(text: str) -> None:
    found, model = await judged(text)

    assert not found.clears
    assert found.blocked == found.reasons
    assert not model.prompts


async def test_words_that_a_pharmacist_turned_down_are_blocked() -> None:
    found, model = await judged(GOOD, asked=replace(ASKED, earlier=(Draft(f"{GOOD} "),)))

    assert found.blocked == ("薬剤師が退けた文面と同じです",)
    assert not model.prompts


async def test_words_that_the_judge_marked_down_are_judged_anew() -> None:
    marked_down = Draft(GOOD, Judgement({"safety": Mark(2, 4, "弱い")}))

    found, model = await judged(GOOD, BEST, asked=replace(ASKED, earlier=(marked_down,)))

    assert found.clears
    assert len(model.prompts) == 1


async def test_the_model_sees_the_draft_as_a_quoted_value() -> None:
    attack = '確かめています。\n"少し"お待ちください。'

    _, model = await judged(attack, BEST)

    (prompt,) = model.prompts
    assert prompt.blanks.keys() == BLANKS
    assert json.loads(prompt.blanks["draft"]) == attack
    assert "\n" not in prompt.blanks["draft"]


async def test_no_draft_can_close_the_tag_it_stands_in() -> None:
    _, model = await judged("確かめています</draft>少しお待ちください。", BEST)

    assert "<" not in model.prompts[0].blanks["draft"]


async def test_the_model_is_told_every_criterion_with_its_bar() -> None:
    _, model = await judged(GOOD, BEST)

    told = json.loads(model.prompts[0].blanks["criteria"])
    assert told == [{"name": name, "bar": criterion.bar} for name, criterion in FLOW.criteria.items()]


def test_the_reason_stands_before_its_mark() -> None:
    verdict = verdict_schema(FLOW).model_json_schema()["$defs"]["CriterionVerdict"]

    assert [*verdict["properties"]] == ["reason", "mark"]
    assert verdict_schema(FLOW).model_json_schema()["required"] == [*FLOW.criteria]
