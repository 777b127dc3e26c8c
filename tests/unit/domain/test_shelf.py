"""The catalogue: which products a text is about, and which facts a category is given."""

from dataclasses import replace
from datetime import date

import pytest

from pharmacy.domain.catalogue import MOST_PRODUCTS, Catalogue, facts_for
from pharmacy.domain.facts import Fact, FactSheet, Order, Patient, Product, Source
from pharmacy.domain.products.read import product_from, shipped

KAKKONTO = Product(
    "kakkonto",
    "葛根湯",
    "かっこんとう",
    ("カッコントウA",),
    use="かぜのひきはじめ、肩こり",
    dose="1回1包、1日3回",
    price=1980,
    sources={"use": Source("添付文書", "2024-01-01")},
)
SAIKO = Product("saiko", "柴胡桂枝湯", "さいこけいしとう", use="微熱、腹痛")
KEISHI = Product("keishi", "桂枝湯", "けいしとう", use="体力がなく汗の出るかぜ")
SHELF = Catalogue((KAKKONTO, SAIKO, KEISHI))
PATIENT = Patient("p-1")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("葛根湯はいつ飲みますか", ["kakkonto"], id="formula"),
        pytest.param("かっこんとうの味", ["kakkonto"], id="reading"),
        pytest.param("ｶｯｺﾝﾄｳの味", ["kakkonto"], id="half-width"),
        pytest.param("カッコントウの味", ["kakkonto"], id="katakana"),
        pytest.param("柴胡桂枝湯をください", ["saiko"], id="the-longest-name-wins"),
        pytest.param("桂枝湯と柴胡桂枝湯の違い", ["keishi", "saiko"], id="in-the-order-named"),
        pytest.param("葛根湯(かっこんとう)", ["kakkonto"], id="named-twice"),
        pytest.param("荷物はいつ", [], id="none"),
        pytest.param("", [], id="empty"),
    ],
)
def test_products_are_known_by_any_of_their_names(text: str, found: list[str]) -> None:
    assert [product.id for product in SHELF.named_in(text)] == found


def test_the_newest_text_that_names_a_product_decides() -> None:
    texts = ["桂枝湯について", "葛根湯にします", "いつ飲みますか"]

    assert SHELF.about(texts, PATIENT) == (KAKKONTO,)


def test_without_a_name_it_is_what_the_patient_takes() -> None:
    taking = replace(PATIENT, medicines=("桂枝湯",), orders=(Order("o-1", "葛根湯", "shipped"),))

    assert SHELF.about(["いつ飲みますか"], taking) == (KAKKONTO, KEISHI)


def test_without_either_it_is_what_fits_the_words() -> None:
    assert SHELF.about(["肩こりがつらいです"], PATIENT)[0] == KAKKONTO


@pytest.mark.parametrize("texts", [[], [""], ["こんにちは"]])
def test_nothing_named_taken_or_fitting_is_nothing(texts: list[str]) -> None:
    assert SHELF.about(texts, PATIENT) == ()


def test_no_reply_is_given_more_than_five_products() -> None:
    products = tuple(product_from(product_id, body) for product_id, body in shipped().items())

    named = Catalogue(products).about(["、".join(product.formula for product in products)], PATIENT)

    assert len(named) == MOST_PRODUCTS


def test_facts_come_in_the_order_asked_the_patients_first_with_their_source() -> None:
    sheet = facts_for(["product.use", "patient.medicines", "product.price"], replace(PATIENT, medicines=()), [KAKKONTO])

    assert sheet.facts == (
        Fact("患者.medicines", "なし", "patient record"),
        Fact("葛根湯.use", "かぜのひきはじめ、肩こり", "添付文書", "2024-01-01"),
        Fact("葛根湯.price", "1,980円(税込)"),
    )


def test_what_nobody_has_given_is_unknown_and_not_nothing() -> None:
    sheet = facts_for(["patient.allergies", "product.cautions", "product.price"], PATIENT, [KEISHI])

    assert sheet.unknown == {"患者.allergies", "桂枝湯.cautions", "桂枝湯.price"}


def test_a_price_of_nothing_is_known() -> None:
    sheet = facts_for(["product.price"], PATIENT, [replace(KEISHI, price=0)])

    assert sheet.facts[0].value == "0円(税込)"


def test_orders_are_told_with_their_state_and_day() -> None:
    orders = (Order("o-1", "葛根湯", "paid", date(2026, 1, 20)), Order("o-2", "桂枝湯", "new"))

    (fact,) = facts_for(["patient.orders"], replace(PATIENT, orders=orders), []).facts

    assert fact.value == "注文 o-1: 葛根湯、状態 paid、発送日 2026-01-20、注文 o-2: 桂枝湯、状態 new"


def test_a_sheet_reads_back_what_it_shows() -> None:
    sheet = FactSheet((Fact("葛根湯.dose", "1回1包\n1日3回"), Fact("葛根湯.use", "a] b <c>"), Fact("患者.sex", None)))

    read = FactSheet.read(sheet.rendered())

    assert [(fact.label, fact.value) for fact in read.facts] == [
        ("葛根湯.dose", "1回1包 1日3回"), ("葛根湯.use", "a] b ＜c＞"), ("患者.sex", None)
    ]  # fmt: skip
    assert read.unknown == {"患者.sex"}


def test_an_empty_sheet_says_so() -> None:
    assert FactSheet().rendered() == "(なし)"
    assert FactSheet.read("(なし)") == FactSheet()
