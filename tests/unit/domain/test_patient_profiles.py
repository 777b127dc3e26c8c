"""A stored or given profile becomes a patient, or is refused by field."""

from datetime import date

import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.facts import Consent, Order, Patient
from pharmacy.domain.patient_profile import patient_from


def test_what_a_profile_lacks_is_unknown() -> None:
    assert patient_from("p-1", {}) == Patient("p-1")
    assert patient_from("p-1", {"allergies": None, "consent": None}) == Patient("p-1")


def test_a_known_nothing_stays_one() -> None:
    assert patient_from("p-1", {"allergies": [], "orders": []}) == Patient("p-1", allergies=(), orders=())


def test_every_field_is_read() -> None:
    profile = {
        "name": "山田", "birth_year": 1980, "sex": "female", "pregnancy": "none", "allergies": ["卵"],
        "conditions": ["花粉症"], "medicines": ["葛根湯"], "constitution": "虚", "consent": {"replies": True},
        "orders": [{"id": "o-1", "product": "葛根湯", "state": "paid", "ships_on": "2026-01-20"}],
    }  # fmt: skip

    assert patient_from("p-1", profile) == Patient(
        "p-1", "山田", 1980, "female", "none", ("卵",), ("花粉症",), ("葛根湯",), "虚", Consent(replies=True),
        (Order("o-1", "葛根湯", "paid", date(2026, 1, 20)),),
    )  # fmt: skip


def test_the_id_is_the_one_given_and_not_the_profiles() -> None:
    assert patient_from("p-1", {"id": "p-2"}).id == "p-1"


@pytest.mark.parametrize(
    ("profile", "place"),
    [
        pytest.param({"allergies": "卵と牛乳"}, "allergies", id="a-text-for-a-list"),
        pytest.param({"birth_year": "昭和"}, "birth_year", id="a-word-for-a-year"),
        pytest.param({"consent": {"replies": "maybe"}}, "consent.replies", id="maybe"),
        pytest.param({"orders": [{"id": "o-1"}]}, "orders.0.product", id="an-order-of-nothing"),
        pytest.param({"orders": {"lc": 1}}, "orders", id="an-object-for-a-list"),
    ],
)
def test_what_is_no_profile_is_refused_without_repeating_it(profile: dict[str, object], place: str) -> None:
    with pytest.raises(ConfigError, match=rf"patient 'p-1': {place}: ") as raised:
        patient_from("p-1", profile)

    assert "卵" not in str(raised.value)
