"""Patients and products: what replies rest on goes in and out unchanged."""

import pytest

from pharmacy.settings import Settings
from tests.api.shop import Shop, new_id, running

PATIENT = {
    "name": "山田 花子", "birth_year": 1980, "sex": "female", "pregnancy": "none", "allergies": ["卵"],
    "conditions": [], "medicines": ["アムロジピン"], "constitution": "虚証",
    "consent": {"replies": True, "training": False},
    "orders": [
        {"id": "o-1", "product": "葛根湯", "state": "shipped", "ships_on": "2026-02-28", "ordered_on": "2026-02-26"},
    ],
    "ratings": [{"on": "2026-03-02", "mark": 4}],
}  # fmt: skip
PRODUCT = {
    "formula": "葛根湯", "use": "感冒の初期", "dose": "1回1包、1日3回", "cautions": ["発疹が出たら中止"],
    "interactions": ["他の麻黄剤"], "price": 1980, "source": "添付文書", "date": "2025-04-01",
}  # fmt: skip


async def test_a_patients_facts_come_back_as_they_were_put(shop: Shop) -> None:
    path = f"/v1/patients/{new_id('p')}"

    put = await shop.http.put(path, json=PATIENT)

    got = await shop.http.get(path)
    assert (put.status_code, got.status_code) == (200, 200)
    assert put.json() == got.json() == PATIENT | {"id": path.rsplit("/", 1)[1]}


async def test_a_fact_left_out_becomes_unknown_and_an_empty_list_is_known_to_be_none(shop: Shop) -> None:
    path = f"/v1/patients/{new_id('p')}"
    await shop.http.put(path, json=PATIENT)

    await shop.http.put(path, json={"allergies": []})

    got = (await shop.http.get(path)).json()
    assert (got["allergies"], got["medicines"], got["name"]) == ([], None, None)


async def test_a_products_facts_are_taken_flat_and_come_back(shop: Shop) -> None:
    path = f"/v1/products/{new_id('kakkonto')}"

    put = await shop.http.put(path, json=PRODUCT)

    got = (await shop.http.get(path)).json()
    assert put.status_code == 200, put.text
    assert {name: got[name] for name in PRODUCT} == PRODUCT
    assert put.json() == got


async def test_the_shipped_formulas_are_on_the_shelf_with_their_sources(shop: Shop) -> None:
    got = (await shop.http.get("/v1/products/kakkonto")).json()

    assert got["formula"] == "葛根湯"
    assert got["source"] or got["sources"]


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        pytest.param("patients", {"role": "admin"}, "role", id="unknown-field-of-a-patient"),
        pytest.param("patients", {"birth_year": 1980.5}, "birth_year", id="fraction-of-a-year"),
        pytest.param("patients", {"sex": "x"}, "sex", id="unknown-sex"),
        pytest.param("patients", {"allergies": "卵"}, "allergies", id="text-for-a-list"),
        pytest.param("patients", {"consent": {"replies": 1}}, "consent", id="number-for-yes"),
        pytest.param("patients", {"name": "山田\u0007"}, "name", id="control-character"),
        pytest.param(
            "patients", {"orders": [{"id": "o", "product": "p", "state": "s", "ships_on": "2026-02-30"}]}, "orders",
            id="no-such-day",
        ),
        pytest.param("patients", {"id": "another"}, "id", id="another-id-than-the-path"),
        pytest.param("products", {"formula": "x", "colour": "red"}, "colour", id="unknown-field-of-a-product"),
        pytest.param("products", {"formula": "x", "price": -1}, "price", id="negative-price"),
        pytest.param("products", {"price": 10}, "formula", id="no-formula"),
    ],
)  # fmt: skip
async def test_a_fact_that_does_not_fit_is_refused_by_name(shop: Shop, path: str, body: dict, place: str) -> None:
    answer = await shop.http.put(f"/v1/{path}/{new_id()}", json=body)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", place]


async def test_a_fact_of_a_product_without_its_source_is_refused(shop: Shop) -> None:
    answer = await shop.http.put(f"/v1/products/{new_id()}", json={"formula": "葛根湯", "use": "感冒"})

    assert answer.status_code == 422
    assert "source" in answer.json()["detail"][0]["msg"]


@pytest.mark.parametrize("kind", ["patients", "products"])
async def test_foreign_facts_answer_as_ones_that_do_not_exist(shop: Shop, kind: str) -> None:
    body, place = (PATIENT if kind == "patients" else PRODUCT), new_id()
    await shop.http.put(f"/v1/{kind}/{place}", json=body)

    foreign, unknown = await shop.foreign.get(f"/v1/{kind}/{place}"), await shop.http.get(f"/v1/{kind}/{new_id()}")

    assert (foreign.status_code, unknown.status_code) == (404, 404)


async def test_a_known_fact_reaches_generator_and_judge_alike(shop: Shop) -> None:
    patient_id, conversation_id = new_id("p"), new_id()
    await shop.http.put(f"/v1/patients/{patient_id}", json={"allergies": ["そば粉"]})

    await shop.say(conversation_id, "体調の相談です", patient={"id": patient_id})

    rows = await shop.rows(
        "SELECT node, blanks->>'facts' AS facts FROM model_calls WHERE conversation_id = :c"
        " AND (node = 'judge' OR node LIKE 'generate%')", c=conversation_id,
    )  # fmt: skip
    assert len(rows) == 2
    assert rows[0].facts == rows[1].facts
    assert "そば粉" in rows[0].facts


@pytest.mark.parametrize("way", ["reply", "edit"])
async def test_a_dose_above_the_label_is_held_when_a_pharmacist_writes_it(shop: Shop, way: str) -> None:
    formula, conversation_id = f"{way}試験湯", new_id()
    label = PRODUCT | {"formula": formula, "dose": "1回1包、1日2回"}
    await shop.http.put(f"/v1/products/{new_id('product')}", json=label)
    outcome = await shop.say(conversation_id, "体調の相談です")
    path = {
        "reply": f"/v1/conversations/{conversation_id}/messages",
        "edit": f"/v1/suggestions/{outcome['suggestion_id']}/edit",
    }[way]

    above = await shop.post(path, {"version": 1, "text": f"{formula}は1回1包、1日3回です。"})
    as_labelled = await shop.post(path, {"version": 1, "text": f"{formula}は1回1包、1日2回です。"})

    assert (above.status_code, above.json()["detail"][0]["loc"]) == (422, ["body", "reason"])
    assert as_labelled.status_code in (200, 202)


async def test_another_patients_name_is_held_when_a_pharmacist_writes_it_and_the_patients_own_is_not(
    shop: Shop,
) -> None:
    conversation_id = new_id()
    await shop.http.put(f"/v1/patients/{new_id('p')}", json={"name": "勅使河原 花子"})
    await shop.http.put(f"/v1/patients/{new_id('p')}", json={"name": "四十九院"})
    await shop.say(conversation_id, "体調の相談です", patient={"id": new_id("p"), "name": "四十九院 太郎"})
    path = f"/v1/conversations/{conversation_id}/messages"

    other = await shop.post(path, {"version": 1, "text": "勅使河原花子さん、ご連絡ありがとうございます。"})
    own = await shop.post(path, {"version": 1, "text": "四十九院 太郎さん、ご連絡ありがとうございます。"})

    assert (other.status_code, own.status_code) == (422, 202), own.text


async def test_the_pharmacys_own_contacts_may_be_given_and_no_others(own_settings: Settings) -> None:
    told = own_settings.model_copy(update={"allowed_contacts": "0120-000-111, https://kakari.example.jp"})
    async with running(told) as shop:
        await shop.say("c", "体調の相談です")
        path = "/v1/conversations/c/messages"

        other = await shop.post(path, {"version": 1, "text": "お電話は0120-999-888へどうぞ。"})
        own = await shop.post(path, {"version": 1, "text": "お電話は0120-000-111へどうぞ。"})

    assert (other.status_code, own.status_code) == (422, 202), own.text
