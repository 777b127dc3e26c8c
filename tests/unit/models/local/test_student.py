"""A student reads what stands in the prompt's blanks, answers in the schema's words, and hands over what it doubts."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel

from evaluation.student_examples import read_examples
from evaluation.student_figures import student_figures
from nodes.classify import classification_schema
from nodes.load import load_flow
from nodes.switch_phase import phase_schema
from pharmacy.domain.conversation import Author, Transcript, Turn
from pharmacy.domain.errors import ConfigError, ReplyUnreadable
from pharmacy.domain.model import Prompt
from pharmacy.models.local.student import Student

FLOW = load_flow(Path("nodes/flow.toml"))
CATEGORIES = classification_schema(FLOW)


@pytest.fixture(scope="module")
def classifier() -> Student:
    return Student.load("classify")


@pytest.fixture(scope="module")
def phases() -> Student:
    return Student.load("switch_phase")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        pytest.param("先週注文した品の発送日を知りたいのですが", "order_delivery", id="order"),
        pytest.param("粉が苦いのですが、お湯に溶かして食後に飲んでもいいですか", "product_usage", id="usage"),
        pytest.param("飲み始めて2週間、むくみが減って楽になりました", "follow_up", id="follow-up"),
        pytest.param("冷え性と肩こりに悩んでいます。合う漢方はありますか", "symptom_consultation", id="symptom"),
        pytest.param("雑誌の取材のお願いでご連絡しました", "pharmacist_only", id="none-of-them"),
    ],
)
async def test_names_the_category(classifier: Student, text: str, category: str) -> None:
    answer = await classifier.answer(_prompt(("patient", text)), CATEGORIES)

    assert (answer.category, answer.safety) == (category, "clear")
    assert "確信度" in answer.reason


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("量子力学の波動関数について議論したい", id="another-subject"),
        pytest.param("zxqv jkw 8#% qqqq", id="no-language"),
        pytest.param("Ðồng hồ của tôi bị hỏng rồi", id="another-language"),
        pytest.param("😮‍💨💔🎺🪂", id="emoji"),
        pytest.param("", id="nothing"),
        pytest.param("(media)", id="a-picture"),
    ],
)
async def test_what_it_never_read_goes_to_the_pharmacist(classifier: Student, text: str) -> None:
    answer = await classifier.answer(_prompt(("patient", text)), CATEGORIES)

    assert answer.category == "pharmacist_only"


async def test_an_unsure_category_is_handed_over_with_both_figures(classifier: Student) -> None:
    strict = Student(replace(classifier.weights, card=classifier.card.model_copy(update={"threshold": 1.01})))

    answer = await strict.answer(_prompt(("patient", "発送日を教えてください")), CATEGORIES)

    assert answer.category == "pharmacist_only"
    assert answer.reason.startswith("分類の確信度 ")
    assert answer.reason.endswith(" < 1.01")


async def test_two_matters_in_one_message_go_to_the_pharmacist(classifier: Student) -> None:
    text = "定期便の届け先の住所を変更してください。飲み始めて1か月、むくみが減って調子がいいです。"

    answer = await classifier.answer(_prompt(("patient", text)), CATEGORIES)

    assert answer.category == "pharmacist_only"
    assert answer.reason == "用件が二つ以上ある: order_delivery、follow_up"


async def test_only_the_words_after_the_pharmacys_last_message_count(classifier: Student) -> None:
    before = ("patient", "注文した荷物はいつ届きますか")

    answer = await classifier.answer(
        _prompt(before, ("machine", "明日お届けの予定です"), ("patient", "粉薬は食前と食後のどちらに飲みますか")),
        CATEGORIES,
    )

    assert answer.category == "product_usage"


async def test_when_the_pharmacy_spoke_last_the_words_before_count(classifier: Student) -> None:
    answer = await classifier.answer(
        _prompt(("patient", "注文した荷物はいつ届きますか"), ("pharmacist", "確認します")), CATEGORIES
    )

    assert answer.category == "order_delivery"


async def test_an_odd_line_end_inside_a_message_is_read(classifier: Student) -> None:
    answer = await classifier.answer(_prompt(("patient", "荷物は\u2028いつ届きますか\x85発送日は")), CATEGORIES)

    assert answer.category == "order_delivery"


@pytest.mark.parametrize(
    ("phase", "last", "text", "after"),
    [
        pytest.param("intake", "いつ頃からですか", "半年くらい前からです", "intake", id="still-asking"),
        pytest.param("intake", "これで最後の質問です。ほかにありますか", "特にありません", "proposal", id="all-asked"),
        pytest.param("proposal", "いかがでしょうか", "1か月分いくらですか", "proposal", id="asks-a-price"),
        pytest.param("proposal", "いかがでしょうか", "では購入します。注文お願いします", "purchase", id="buys"),
        pytest.param("purchase", "発送しました", "届きました。今日から飲みます", "taking", id="arrived"),
        pytest.param("taking", "お加減はいかがですか", "だいぶ楽になりました", "taking", id="reports"),
        pytest.param("taking", "続けましょう", "なくなりそうなのでもう1箱注文します", "purchase", id="orders-again"),
    ],
)
async def test_names_the_phase(phases: Student, phase: str, last: str, text: str, after: str) -> None:
    prompt = _prompt(("pharmacist", last), ("patient", text), phase=phase)

    answer = await phases.answer(prompt, phase_schema(FLOW, phase))

    assert answer.phase == after


async def test_an_unsure_move_leaves_the_phase_as_it_is(phases: Student) -> None:
    strict = Student(replace(phases.weights, card=phases.card.model_copy(update={"threshold": 1.01})))
    prompt = _prompt(("pharmacist", "発送しました"), ("patient", "届きました"), phase="purchase")

    answer = await strict.answer(prompt, phase_schema(FLOW, "purchase"))

    assert answer.phase == "purchase"
    assert answer.reason.startswith("taking へ移る確信度 ")


@pytest.mark.parametrize("phase", ["intake", "proposal", "purchase", "taking"])
async def test_no_words_move_a_phase_where_the_flow_does_not_allow(phases: Student, phase: str) -> None:
    schema = phase_schema(FLOW, phase)

    for example in read_examples("switch_phase", "train")[::25]:
        answer = await phases.answer(_prompt(("patient", example.text), phase=phase), schema)

        assert answer.phase in FLOW.phases_after(phase)


async def test_other_categories_than_it_was_taught_are_refused(classifier: Student) -> None:
    class Other(BaseModel):
        safety: str
        category: Literal["order_delivery", "refund", "pharmacist_only"]
        reason: str

    with pytest.raises(ReplyUnreadable, match=r"'follow_up', 'product_usage', 'symptom_consultation'\] are none of"):
        await classifier.answer(_prompt(("patient", "荷物はいつ届きますか")), Other)


async def test_a_category_more_than_it_was_taught_is_no_hindrance(classifier: Student) -> None:
    class Category(StrEnum):
        SYMPTOM = "symptom_consultation"
        USAGE = "product_usage"
        ORDER = "order_delivery"
        FOLLOW_UP = "follow_up"
        PHARMACIST = "pharmacist_only"
        REFUND = "refund"

    class Wider(BaseModel):
        safety: str
        category: Category
        reason: str

    answer = await classifier.answer(_prompt(("patient", "荷物はいつ届きますか")), Wider)

    assert answer.category is Category.ORDER


async def test_a_phase_it_was_never_taught_is_refused(phases: Student) -> None:
    with pytest.raises(ReplyUnreadable, match="phase 'trial' is none of"):
        await phases.answer(_prompt(("patient", "届きました"), phase="trial"), phase_schema(FLOW, "purchase"))


async def test_phases_that_the_flow_no_longer_allows_are_refused(phases: Student) -> None:
    with pytest.raises(ReplyUnreadable, match="are none of"):
        await phases.answer(_prompt(("patient", "届きました"), phase="purchase"), phase_schema(FLOW, "intake"))


@pytest.mark.parametrize("node", ["classify", "switch_phase"])
async def test_answers_what_the_report_measures(node: str) -> None:
    student = Student.load(node)
    examples = read_examples(node, "held_out")[::9]

    for answered in student_figures(student.weights, examples).answers:
        example = answered.example
        said = [("pharmacist", example.last_reply)] if example.last_reply else []
        prompt = _prompt(*said, ("patient", example.text), phase=example.phase or "")
        schema = phase_schema(FLOW, example.phase) if example.phase else CATEGORIES
        answer = await student.answer(prompt, schema)

        assert (answer.phase if example.phase else answer.category) == answered.given


def test_a_student_of_other_word_kinds_is_not_served(classifier: Student) -> None:
    other = replace(classifier.weights, card=classifier.card.model_copy(update={"words_fingerprint": "0" * 12}))

    with pytest.raises(ConfigError, match="taught with word kinds '000000000000'"):
        Student(other)


def test_serving_needs_nothing_that_only_training_needs() -> None:
    code = (
        "import sys; from pharmacy.models.local.student import Student; Student.load('classify');"
        "sys.exit(' '.join({name.partition('.')[0] for name in sys.modules} & {'sklearn', 'scipy', 'joblib'}))"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert run.stderr.strip() == ""


def _prompt(*said: tuple[str, str], phase: str = "") -> Prompt:
    turns = tuple(Turn(Author(author), text, datetime(2026, 1, 5, tzinfo=UTC)) for author, text in said)
    blanks = {"conversation": Transcript(turns).rendered(), "phase": phase}
    return Prompt("classify/system", "", "", blanks, "0" * 12)
