"""What of a message is its question: the sentences that ask, and what a short one leans on."""

import pytest

from pharmacy.models.local.wording import folded, what_is_asked


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("漢方はお湯で溶いて飲んでもいいですか。", "漢方はお湯で溶いて飲んでもいいですか。"),
        ("春から利用しています。漢方は冷蔵庫に入れたほうがいいですか。", "漢方は冷蔵庫に入れたほうがいいですか。"),
        ("春から利用しています。朝食は食べない習慣です。いつ飲みますか。", "朝食は食べない習慣です。いつ飲みますか。"),
        ("袋の中で固まっています。色も変です。", "袋の中で固まっています。色も変です。"),
        ("お湯で溶けますか?\n食後に飲んでもいいですか。", "お湯で溶けますか?食後に飲んでもいいですか。"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_question_of_a_message_is_what_asks(text: str, asked: str) -> None:
    assert what_is_asked(folded(text)) == folded(asked)
