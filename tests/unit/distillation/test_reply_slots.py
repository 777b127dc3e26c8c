"""What of a sent reply may be said to somebody else, and what keeps it from being learnt."""

import pytest

from distillation.learnt_replies import sent_of
from distillation.reply_slots import NotLearnt, learnt
from pharmacy.models.local.reply_book import LearntReply
from tests.unit.models.local.asked import KAKKONTO, NOTHING_ON_RECORD, ORDERED, asked

RECORD = NOTHING_ON_RECORD.replace("[患者.conditions] なし", "[患者.conditions] 高血圧、花粉症")
WHEN = "葛根湯はいつ飲めばいいですか"


def _learnt(text: str, reply: str, facts: str = f"{NOTHING_ON_RECORD}\n{ORDERED}\n{KAKKONTO}") -> LearntReply:
    category = "order_delivery" if "発送" in text else "product_usage"
    return learnt(sent_of(asked(text, category, "taking", facts), reply))


def test_facts_become_blanks() -> None:
    reply = _learnt(WHEN, "葛根湯の飲むタイミングのご質問ですね。表示では、食前又は食間とされています。")

    assert reply.text == (
        "{{ product.formula }}の飲むタイミングのご質問ですね。表示では、{{ product.timing }}とされています。"
    )
    assert (reply.needs, reply.formula, reply.phases) == (("product.timing",), "葛根湯", ("taking",))


def test_an_orders_facts_become_blanks() -> None:
    reply = _learnt(
        "葛根湯はもう発送されましたか", "ご注文の葛根湯は、記録では発送準備中です。発送日は11月26日とされています。"
    )

    assert reply.text == (
        "ご注文の{{ product.formula }}は、記録では{{ order.state }}です。発送日は{{ order.ships_on }}とされています。"
    )
    assert reply.order_state == "発送準備中"


def test_words_that_the_patient_had_said_are_asked_of_the_next_one() -> None:
    reply = _learnt("旅行中の飲み方を教えてください", "ご旅行中の飲み方ですね。旅行中も同じようにお飲みいただけます。")

    assert "旅行中" in reply.words


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param("葛根湯は、飲み始めて3週目でしたね。様子をお聞かせください。", "accuracy|figure", id="a-figure"),
        pytest.param("田中様、葛根湯の飲み方のご質問ですね。表示のとおりにお願いします。", "name", id="a-name"),
        pytest.param(
            "〔氏名1〕様、葛根湯の飲み方のご質問ですね。表示のとおりにお願いします。", "name", id="a-pseudonym"
        ),
        pytest.param("葛根湯と小青竜湯は、飲み方が同じです。", "accuracy|another_product", id="another-product"),
        pytest.param("花粉症もおありですので、飲み方は薬剤師が確かめます。", "patients_record", id="the-record"),
        pytest.param("葛根湯を飲めば必ず治ります。", "safety", id="what-may-not-be-sent"),
        pytest.param("返金の手続きを承りました。", "accuracy", id="a-deed"),
        pytest.param("{{ product.price }}です。", "braces|accuracy", id="braces"),
        pytest.param("  ", "no_reply", id="nothing"),
    ],
)
def test_what_belongs_to_one_patient_is_not_learnt(reply: str, why: str) -> None:
    with pytest.raises(NotLearnt, match=why):
        _learnt(WHEN, reply, f"{RECORD}\n{ORDERED}\n{KAKKONTO}")


@pytest.mark.parametrize(
    "text", ["はい", "急に胸が痛みます、葛根湯はいつ飲めばいいですか", "葛根湯の送料はいくらですか"]
)
def test_questions_that_are_left_to_people_are_not_learnt(text: str) -> None:
    with pytest.raises(NotLearnt, match="left_to_people"):
        _learnt(text, "葛根湯の飲み方のご質問ですね。表示のとおりにお願いします。")


def test_a_reply_that_asks_for_the_record_is_for_those_whose_record_is_not_known() -> None:
    reply = _learnt(WHEN, "葛根湯の飲み方のご質問ですね。いま飲んでいるお薬があれば教えてください。")

    assert reply.asks == ("patient.medicines",)
