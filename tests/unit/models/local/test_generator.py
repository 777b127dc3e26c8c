"""The local generator gives a written reply that fits, says which fact it lacks, or leaves the message to a person."""

import pytest

from pharmacy.domain.errors import NothingFits
from pharmacy.models.local.generator import LocalGenerator
from pharmacy.models.local.judge import LocalJudge
from tests.unit.models.local.asked import (
    KAKKONTO,
    NOBODY_ASKED,
    NOTHING_ON_RECORD,
    ORDERED,
    asked,
    below,
    judged,
    written,
)

WHEN = "葛根湯は食前と食後どちらに飲めばいいですか"
SYMPTOM, USAGE, ORDER, AFTER = "symptom_consultation", "product_usage", "order_delivery", "follow_up"
SHELF = f"{NOBODY_ASKED}\n{KAKKONTO}"


@pytest.fixture(scope="module")
def generator() -> LocalGenerator:
    return LocalGenerator()


@pytest.mark.parametrize("phase", ["intake", "proposal", "purchase", "taking"])
async def test_answers_when_a_formula_is_taken_from_its_label_in_any_phase(
    generator: LocalGenerator, phase: str
) -> None:
    blanks = asked(WHEN, USAGE, phase, "[葛根湯.timing] 食前又は食間")

    reply = (await written(generator, blanks)).reply

    assert "葛根湯" in reply
    assert "食前又は食間" in reply
    assert await below(LocalJudge(), judged(blanks, reply)) == {}


async def test_says_which_fact_it_lacks(generator: LocalGenerator) -> None:
    answer = await written(generator, asked("葛根湯っていくらですか", USAGE, facts=SHELF))

    assert (answer.missing_facts, answer.reply) == (["葛根湯.price"], "")


async def test_asks_which_product_when_none_is_named(generator: LocalGenerator) -> None:
    answer = await written(generator, asked("いつ飲めばいいですか", USAGE, "taking", SHELF))

    assert "名前" in answer.reply
    assert "葛根湯" not in answer.reply


async def test_knows_the_product_from_what_was_said_before(generator: LocalGenerator) -> None:
    before = [("patient", "葛根湯が届きました"), ("pharmacist", "お受け取りのご連絡、ありがとうございます。")]

    answer = await written(generator, asked("いつ飲めばいいですか", USAGE, "taking", SHELF, before))

    assert "葛根湯" in answer.reply


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("葛根湯はいつ飲みますか?あと値段も教えてください", id="two-questions"),
        pytest.param("葛根湯と麻黄湯は一緒に飲めますか", id="two-products"),
        pytest.param("独活寄生湯はいつ飲むのがいいですか", id="a-product-without-facts"),
        pytest.param("葛根湯加川芎辛夷はいつ飲みますか", id="a-longer-name-is-another-product"),
        pytest.param("5歳の子どもに飲ませるのは食前ですか", id="a-child"),
        pytest.param("葛根湯を飲んだら湿疹が出てきました", id="a-reaction"),
        pytest.param("漢方はどこの工場で作っていますか", id="nobody-wrote-of-this"),
        pytest.param("(media)", id="not-a-text"),
    ],
)
async def test_leaves_to_a_person(generator: LocalGenerator, text: str) -> None:
    with pytest.raises(NothingFits):
        await written(generator, asked(text, USAGE, "taking", SHELF))


@pytest.mark.parametrize(
    "on_record",
    [
        "[患者.medicines] アムロジピン",
        "[患者.conditions] 高血圧",
        "[患者.allergies] シャクヤク",
        "[患者.pregnancy] possible",
    ],
)
async def test_gives_no_advice_on_taking_to_a_patient_with_something_on_record(
    generator: LocalGenerator, on_record: str
) -> None:
    with pytest.raises(NothingFits):
        await written(generator, asked(WHEN, USAGE, "taking", f"{on_record}\n{KAKKONTO}"))


async def test_the_formula_itself_among_the_medicines_is_nothing_to_heed(generator: LocalGenerator) -> None:
    answer = await written(generator, asked(WHEN, USAGE, "taking", f"[患者.medicines] 葛根湯\n{KAKKONTO}"))

    assert "食前又は食間" in answer.reply


async def test_tells_no_dose_from_a_prescription_label(generator: LocalGenerator) -> None:
    facts = "[六君子湯.dose] 医療用 六君子湯エキス顆粒: 通常成人1日7.5gを2〜3回に分割"

    with pytest.raises(NothingFits):
        await written(generator, asked("六君子湯は一回に何包飲めばいいですか", USAGE, "taking", facts))


async def test_a_second_and_third_try_are_other_texts_and_then_none_is_left(generator: LocalGenerator) -> None:
    drafts: list[str] = []

    for _ in range(2):
        drafts.append((await written(generator, asked(WHEN, USAGE, "taking", SHELF, drafts=drafts))).reply)

    assert len(set(drafts)) == 2
    with pytest.raises(NothingFits):
        await written(generator, asked(WHEN, USAGE, "taking", SHELF, drafts=drafts))


async def test_never_repeats_what_the_pharmacy_has_said(generator: LocalGenerator) -> None:
    first = (await written(generator, asked("肩こりがひどいです", SYMPTOM))).reply
    before = [("patient", "肩こりがひどいです"), ("pharmacist", first)]

    second = (await written(generator, asked("肩こりがつらいんです", SYMPTOM, before=before))).reply

    assert second != first


@pytest.mark.parametrize(
    ("text", "asks_about"),
    [
        ("寝つきが悪くて困っています", "途中で目が覚める"),
        ("肩こりがひどいんです", "温めると"),
        ("足がむくみやすいです", "お小水"),
        ("生理前になるとイライラします", "気分の波"),
        ("花粉症がつらい季節です", "鼻水"),
    ],
)
async def test_a_complaint_in_intake_is_asked_about_and_nothing_is_proposed(
    generator: LocalGenerator, text: str, asks_about: str
) -> None:
    answer = await written(generator, asked(text, SYMPTOM, "intake", SHELF))

    assert asks_about in answer.reply
    assert "葛根湯" not in answer.reply


async def test_several_complaints_are_asked_about_together(generator: LocalGenerator) -> None:
    answer = await written(generator, asked("頭痛と便秘がつらいです", SYMPTOM))

    assert "いちばん" in answer.reply


async def test_proposes_a_formula_whose_label_covers_the_complaint(generator: LocalGenerator) -> None:
    facts = f"{NOTHING_ON_RECORD}\n[患者.constitution] 体力中等度\n{KAKKONTO}"

    answer = await written(generator, asked("肩こりに合う漢方を教えてください", SYMPTOM, "proposal", facts))

    assert "葛根湯" in answer.reply


@pytest.mark.parametrize(
    ("complaint", "constitution"),
    [
        pytest.param("便秘に合う漢方を教えてください", "体力中等度", id="the-label-does-not-name-it"),
        pytest.param("肩こりに合う漢方を教えてください", "虚弱で体力がない", id="the-label-is-for-the-strong"),
    ],
)
async def test_proposes_nothing_that_the_label_does_not_cover(
    generator: LocalGenerator, complaint: str, constitution: str
) -> None:
    facts = f"{NOTHING_ON_RECORD}\n[患者.constitution] {constitution}\n{KAKKONTO}"

    with pytest.raises(NothingFits):
        await written(generator, asked(complaint, SYMPTOM, "proposal", facts))


async def test_asks_what_is_unknown_of_the_patient_before_it_proposes(generator: LocalGenerator) -> None:
    answer = await written(generator, asked("肩こりに合う漢方を教えてください", SYMPTOM, "proposal", SHELF))

    assert "いま飲んでいるお薬" in answer.reply
    assert "葛根湯" not in answer.reply


async def test_remembers_the_complaint_that_was_told_before(generator: LocalGenerator) -> None:
    before = [("patient", "肩こりがひどいです"), ("pharmacist", "いつごろから続いていますか。")]
    facts = f"{NOTHING_ON_RECORD}\n{KAKKONTO}"

    answer = await written(generator, asked("私にはどの漢方が合いますか", SYMPTOM, "proposal", facts, before))

    assert "肩こりに用いられる" in answer.reply


async def test_a_short_answer_counts_only_after_its_question(generator: LocalGenerator) -> None:
    before = [("patient", "肩こりがひどいです"), ("pharmacist", "肩こりはいつごろから続いていますか。")]

    answer = await written(generator, asked("半年くらい前からです", SYMPTOM, before=before))

    assert "食欲" in answer.reply
    with pytest.raises(NothingFits):
        await written(generator, asked("半年くらい前からです", SYMPTOM))


async def test_tells_an_orders_shipping_day(generator: LocalGenerator) -> None:
    answer = await written(generator, asked("注文したものはいつ発送されますか", ORDER, "purchase", ORDERED))

    assert "11月26日" in answer.reply


@pytest.mark.parametrize(
    ("orders", "missing"),
    [
        pytest.param("[患者.orders] 不明", ["患者.orders"], id="orders-unknown"),
        pytest.param("[患者.orders] 注文 B-1: 葛根湯、状態 受付済み", ["患者.orders.ships_on"], id="no-day-yet"),
    ],
)
async def test_an_order_without_a_shipping_day_lacks_a_fact(
    generator: LocalGenerator, orders: str, missing: list[str]
) -> None:
    answer = await written(generator, asked("いつ発送されますか", ORDER, "purchase", orders))

    assert (answer.missing_facts, answer.reply) == (missing, "")


async def test_two_orders_leave_open_which_one_is_meant(generator: LocalGenerator) -> None:
    two = f"{ORDERED}、注文 A-1050: 五苓散、状態 発送準備中、発送日 2026-11-28"

    with pytest.raises(NothingFits):
        await written(generator, asked("いつ発送されますか", ORDER, "purchase", two))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("食欲が減ってきました", id="less-of-a-good-thing"),
        pytest.param("お通じが少なくなりました", id="fewer-of-a-good-thing"),
        pytest.param("肩こりが戻ってきました", id="it-came-back"),
        pytest.param("あごに吹き出物が出ます", id="a-new-complaint"),
        pytest.param("のぼせは良くなりましたが、イライラはそのままです", id="one-better-and-one-not"),
    ],
)
async def test_never_welcomes_what_is_not_better(generator: LocalGenerator, text: str) -> None:
    with pytest.raises(NothingFits):
        await written(generator, asked(text, AFTER, "taking"))


async def test_welcomes_what_is_better_and_asks_on(generator: LocalGenerator) -> None:
    answer = await written(generator, asked("朝までぐっすり眠れるようになりました", AFTER, "taking"))

    assert "眠り" in answer.reply


async def test_a_wish_for_a_shorter_text_gets_the_shortest(generator: LocalGenerator) -> None:
    usual = (await written(generator, asked("肩こりがひどいです", SYMPTOM))).reply
    shorter = (await written(generator, asked("肩こりがひどいです", SYMPTOM, instruction="もっと短く"))).reply

    assert len(shorter) <= len(usual)


async def test_a_wish_it_cannot_follow_goes_to_a_person(generator: LocalGenerator) -> None:
    with pytest.raises(NothingFits, match="wish"):
        await written(generator, asked("肩こりがひどいです", SYMPTOM, instruction="季節の挨拶を入れて"))
