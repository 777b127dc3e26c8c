"""`generate`: a draft from the given facts, or the reason why there is none."""

import json
from dataclasses import replace

import pytest

from nodes.generate import BLANKS, Assignment, generate
from pharmacy.domain.errors import FactUnknown, ReplyUnreadable
from pharmacy.domain.facts import Fact, FactSheet
from pharmacy.domain.judgement import Judgement, Mark
from pharmacy.domain.outcome import Draft
from tests.fakes.scripted_model import ScriptedModel
from tests.unit.nodes.asking import TALK, compose

SHEET = FactSheet((Fact("葛根湯.dose", "1回1包、1日3回"), Fact("葛根湯.price", None)))
ASKED = Assignment(TALK, "product_usage", "intake", SHEET)


async def written(reply: str, *missing: str) -> Draft:
    """Return what `generate` makes of a model's answer."""
    return await generate(ASKED, compose, ScriptedModel({"missing_facts": [*missing], "reply": reply}))


async def test_a_reply_is_an_unjudged_draft_without_its_edges() -> None:
    assert await written(" かしこまりました。\n") == Draft("かしこまりました。", None)


async def test_a_missing_fact_outweighs_the_reply() -> None:
    with pytest.raises(FactUnknown, match=r"generate_product_usage: needs \['葛根湯.price'\]"):
        await written("価格は存じません。", "葛根湯.price", "葛根湯.dose")


async def test_a_fact_that_is_given_is_not_missing() -> None:
    assert (await written("1日3回です。", "葛根湯.dose")).text == "1日3回です。"


async def test_a_fact_that_nobody_listed_is_missing_when_there_is_no_reply() -> None:
    with pytest.raises(FactUnknown, match=r"人参湯\.dose"):
        await written("", "人参湯.dose")


@pytest.mark.parametrize("reply", ["", "  \n", "\u3000"])
async def test_an_empty_reply_without_a_missing_fact_is_unreadable(reply: str) -> None:
    with pytest.raises(ReplyUnreadable, match="empty reply"):
        await written(reply)


async def test_an_empty_reply_for_want_of_a_fact_that_is_given_is_unreadable() -> None:
    with pytest.raises(ReplyUnreadable, match="empty reply"):
        await written("", "葛根湯.dose")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("かしこまりました。", id="no-json"),
        pytest.param('{"reply": "はい"}', id="no-list"),
        pytest.param('{"missing_facts": null, "reply": "はい"}', id="null"),
        pytest.param('{"missing_facts": [], "reply": "はい", "send": true}', id="one-field-more"),
        pytest.param('{"missing_facts": [], "reply": "はい", "reply": "いいえ"}', id="a-key-twice"),
    ],
)
async def test_an_answer_of_another_form_is_unreadable(answer: str) -> None:
    with pytest.raises(ReplyUnreadable):
        await generate(ASKED, compose, ScriptedModel(answer))


async def blanks(assignment: Assignment) -> dict[str, str]:
    """Return what `generate` fills its frame with."""
    model = ScriptedModel({"missing_facts": [], "reply": "はい。"})
    await generate(assignment, compose, model)
    return dict(model.prompts[0].blanks)


async def test_the_first_draft_is_told_of_no_other() -> None:
    found = await blanks(ASKED)

    assert found.keys() == BLANKS
    assert (found["previous_drafts"], found["reasons"], found["instruction"]) == ("[]", "", "")
    assert found["facts"] == "[葛根湯.dose] 1回1包、1日3回\n[葛根湯.price] 不明"


async def test_a_later_draft_is_told_all_drafts_and_the_last_ones_reasons() -> None:
    first = Draft("一つ目", Judgement({"tone": Mark(1, 3, "かたい")}))
    second = Draft(
        "二つ目", Judgement({"safety": Mark(2, 4, "受診をすすめていない"), "tone": Mark(5, 3, "よい")}, ("診断です",))
    )

    found = await blanks(replace(ASKED, earlier=(first, second), instruction="短く"))

    assert json.loads(found["previous_drafts"]) == ["一つ目", "二つ目"]
    assert found["reasons"] == "診断です\nsafety 2/5 (基準 4): 受診をすすめていない"
    assert found["instruction"] == "短く"


async def test_a_draft_that_a_pharmacist_refused_has_no_reasons() -> None:
    found = await blanks(replace(ASKED, earlier=(Draft("前の下書き"),)))

    assert json.loads(found["previous_drafts"]) == ["前の下書き"]
    assert found["reasons"] == ""
