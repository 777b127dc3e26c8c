"""A cost is told in the pharmacy's own yen where it has set a rate, else in dollars; what is not known is never 0."""

from datetime import date

import pytest

from pharmacy.domain.budget import Rate
from server.console.languages import language

RATE = Rate(150.0, date(2026, 11, 20))


@pytest.mark.parametrize(
    ("name", "usd", "rate", "told"),
    [
        pytest.param("ja", 0.0124, RATE, "￥1.86", id="yen"),
        pytest.param("ja", 10.0, RATE, "￥1,500.00", id="many-yen"),
        pytest.param("en", 0.0124, RATE, "JP¥1.86", id="yen-in-english"),
        pytest.param("ja", 0.0123, None, "$0.0123", id="dollars"),
        pytest.param("en", 0.0123, None, "US$0.0123", id="dollars-in-english"),
        pytest.param("ja", None, RATE, "不明", id="unknown"),
    ],
)
def test_a_cost_is_told_by_rate_and_language(name: str, usd: float | None, rate: Rate | None, told: str) -> None:
    assert language(name).money(usd, rate) == told
