"""Daily budgets: when a bound is reached, what is said then, and what a rate may look like."""

from datetime import UTC, date, datetime

import pytest

from pharmacy.domain.budget import Cap, Rate, Spend, refusal

RATE = Rate(150.0, date(2026, 11, 22))


@pytest.mark.parametrize(
    ("cap", "spent", "expected"),
    [
        pytest.param(Cap(100, None), Spend(99, 1000.0), "", id="one-token-below"),
        pytest.param(Cap(100, None), Spend(100), "100 of 100 tokens", id="tokens-reached"),
        pytest.param(Cap(None, 300), Spend(10**9, 1.99), "", id="one-cent-below"),
        pytest.param(Cap(None, 300), Spend(1, 2.0), "300 of 300 yen", id="yen-reached"),
        pytest.param(Cap(100, 300), Spend(1, 2.1, 0.5), "315 of 300 yen, 75 of them by estimate", id="by-estimate"),
        pytest.param(Cap(None, None), Spend(10**12, 10.0**9), "", id="unlimited"),
    ],
)
def test_a_cap_is_reached_by_tokens_or_by_yen_and_says_so(cap: Cap, spent: Spend, expected: str) -> None:
    assert cap.reached(spent, RATE) == expected


def test_a_part_of_a_cap_is_rounded_down_and_half_of_no_end_is_none() -> None:
    assert Cap(101, None).times(0.5) == Cap(50, None)


def test_yen_are_rounded_up() -> None:
    assert [RATE.yen(usd) for usd in (0.0, 0.0001, 2.0, 2.0001)] == [0, 1, 300, 301]


def test_a_rate_says_when_it_was_stated() -> None:
    assert Rate.read(" 152.35 on 2026-11-20 ") == Rate(152.35, date(2026, 11, 20))


@pytest.mark.parametrize(
    "text", ["160", "160 on", "0 on 2026-11-20", "-1 on 2026-11-20", "160 on 2026-13-01", "nan on 2026-11-20", ""]
)
def test_a_rate_without_its_day_or_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected yen|month"):
        Rate.read(text)


def test_a_refusal_names_the_day_in_japan_and_the_next() -> None:
    midnight_in_japan = datetime(2026, 12, 30, 15, tzinfo=UTC)

    said = refusal("this patient", "5 of 4 tokens", midnight_in_japan)

    assert said == (
        "the daily budget of this patient is used up: 5 of 4 tokens on 2026-12-31; "
        "it begins anew on 2027-01-01 in Japan"
    )
