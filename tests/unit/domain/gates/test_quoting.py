"""What is quoted are the patient's own words, or nothing."""

import pytest

from pharmacy.domain.gates.normalise import normalise
from pharmacy.domain.gates.quoting import quoted
from pharmacy.domain.gates.recognise import Recogniser


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("授乳中なのですが、漢方を飲んでも大丈夫でしょうか", "漢方を飲んでも大丈夫でしょうか"),
        ("こんにちは😊\n授乳中です。ﾛｷｿﾆﾝを飲んでいます。", "ﾛｷｿﾆﾝを飲んでいます"),
        ("はい。胸が　苦しいです!", "胸が　苦しいです"),
        ("ちょっとした質問です。めまいがあります。", "めまいがあります"),
    ],
)
def test_folded_words_are_given_back_as_they_were_written(raw: str, words: str) -> None:
    folded = normalise(words).joined()[0]

    assert quoted(raw, folded) == words


def test_words_that_are_not_in_the_message_are_not_quoted() -> None:
    assert quoted("配送はいつですか", "胸が苦しい") is None


def test_whatever_a_rule_finds_is_quoted_as_a_piece_of_the_message() -> None:
    raw = "授乳中なのですが、漢方を飲んでも大丈夫でしょうか"

    found = [quoted(raw, hit.matched) for hit in Recogniser.load().recognise(raw).hits]

    assert found
    assert all(words and words in raw for words in found)
