"""An error answer repeats what was sent as far as it helps, and nothing personal."""

import pytest

from server.errors import shown
from tests.api.canaries import canaries, leaked


def test_none_of_200_canaries_is_repeated() -> None:
    every = canaries()

    answers = [
        str(shown(value))
        for canary in every
        for value in (
            canary.sentence,
            {"id": canary.sentence},
            [canary.sentence],
            canary.sentence.encode(),
            (1, canary.sentence),
        )
    ]

    assert leaked("\n".join(answers), every) == []


@pytest.mark.parametrize("value", ["c-1001", "2026-13-45", "auto_sned", 7, "550e8400-e29b-41d4-a716-446655440000"])
def test_what_a_programmer_sent_is_repeated(value: object) -> None:
    assert shown(value) == value


def test_of_a_long_value_only_its_length_is_told() -> None:
    assert shown("あ" * 5_000) == "a str of 5000 characters"


def test_a_number_as_long_as_a_phones_is_not_repeated() -> None:
    assert shown(9012345678) == "a number as long as a phone's, or longer"
