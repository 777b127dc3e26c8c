"""When an endpoint is no longer called, and when it is tried again."""

from datetime import UTC, datetime

import pytest

from pharmacy.models.breaker import Breaker, Health
from pharmacy.models.retry_after import retry_after_seconds

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


class Clock:
    """Seconds that pass when a test says so."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("openai", clock)


def test_four_failures_leave_it_closed_and_the_fifth_opens_it(breaker: Breaker) -> None:
    for _ in range(4):
        breaker.note(Health.FAILED)
    assert breaker.admits()

    breaker.note(Health.FAILED)

    assert not breaker.admits()


def test_an_answer_starts_the_count_anew(breaker: Breaker) -> None:
    for health in [Health.FAILED] * 4 + [Health.ALIVE] + [Health.FAILED] * 4:
        breaker.note(health)

    assert breaker.admits()


def test_what_says_nothing_counts_neither_way(breaker: Breaker) -> None:
    for health in [Health.FAILED] * 4 + [Health.UNTOLD] * 10:
        breaker.note(health)
    assert breaker.admits()

    breaker.note(Health.FAILED)

    assert not breaker.admits()


def test_a_refusal_opens_it_at_once(breaker: Breaker) -> None:
    breaker.note(Health.REFUSED)

    assert not breaker.admits()


def test_one_probe_passes_in_fifteen_seconds(breaker: Breaker, clock: Clock) -> None:
    breaker.note(Health.REFUSED)
    passed = []

    for tenth in range(600):
        clock.seconds = tenth / 10
        if breaker.admits():
            passed.append(clock.seconds)
            breaker.note(Health.FAILED)

    assert passed == [15.0, 30.0, 45.0]


def test_a_probe_that_is_answered_closes_it(breaker: Breaker, clock: Clock) -> None:
    breaker.note(Health.REFUSED)
    clock.seconds = 15.0
    assert breaker.admits()

    breaker.note(Health.ALIVE)

    assert breaker.admits()
    assert breaker.admits()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="absent"),
        pytest.param({"retry-after": "1"}, 1.0, id="seconds"),
        pytest.param({"retry-after": "0.5"}, 0.5, id="a-part-of-a-second"),
        pytest.param({"retry-after": "3600"}, 3600.0, id="an-hour"),
        pytest.param({"retry-after": "-3"}, 0.0, id="negative"),
        pytest.param({"retry-after": "abc"}, None, id="nonsense"),
        pytest.param({"retry-after": "nan"}, None, id="nan"),
        pytest.param({"retry-after": "inf"}, None, id="for-ever"),
        pytest.param({"retry-after": ""}, None, id="empty"),
        pytest.param({"retry-after-ms": "250"}, 0.25, id="milliseconds"),
        pytest.param({"retry-after-ms": "250", "retry-after": "9"}, 0.25, id="milliseconds-go-first"),
        pytest.param({"retry-after-ms": "x", "retry-after": "9"}, 9.0, id="bad-milliseconds"),
        pytest.param({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0, id="a-date"),
        pytest.param({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0, id="a-date-gone-by"),
        pytest.param({"retry-after": "Sun, 22 Nov 2026 12:00:30 -0000"}, 30.0, id="a-date-without-zone"),
        pytest.param({"retry-after": "Sun, 99 Nov 2026 12:00:30 GMT"}, None, id="a-date-that-is-none"),
    ],
)
def test_a_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == seconds
