"""Our own token figures, and when the provider's are believed."""

import pytest

from pharmacy.models.tokens import estimate_tokens
from pharmacy.models.usage import Usage, UsageBounds
from tests.unit.models.setting import PROMPT


def test_japanese_is_counted_by_its_own_measure() -> None:
    text = "葛根湯は食前または食間に、水かぬるま湯で飲んでください。" * 50

    assert estimate_tokens(text) == pytest.approx(len(text) / 1.49, rel=0.1)


def test_english_is_counted_four_characters_to_a_token() -> None:
    assert estimate_tokens("take it before meals with water " * 10) == 80


@pytest.mark.parametrize("text", ["", "\ud800", "\x00", "👨‍👩‍👧‍👦" * 100])
def test_any_text_can_be_counted(text: str) -> None:
    assert 0 <= estimate_tokens(text) <= len(text) + 1


def test_figures_that_can_be_true_are_believed() -> None:
    bounds = UsageBounds.of(PROMPT, "{}", 300)

    read = bounds.read({"prompt_tokens": 40, "completion_tokens": 12, "prompt_tokens_details": None}, "はい")

    assert read == Usage(40, 0, 12)


def test_an_answer_cut_short_is_booked_by_the_time_it_took_and_never_above_its_limit() -> None:
    bounds = UsageBounds.of(PROMPT, "{}", 300)

    assert bounds.estimate(seconds=1).completion_tokens == 80
    assert bounds.estimate(seconds=1000).completion_tokens == 300
