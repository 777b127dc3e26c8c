"""Training files: what is read of them, and what is refused with its line."""

from pathlib import Path

import pytest

from distillation.trainers.training_file import read_training_file
from pharmacy.domain.errors import ConfigError
from tests.unit.distillation.trainers.rows import lines, row, written

GOOD = lines(row(at) for at in range(12))
SYSTEM, USER, ASSISTANT = row(0)["messages"]


def _pair(**changes: object) -> dict[str, object]:
    liked, other = ({"role": "assistant", "content": words} for words in ("はい", "いいえ"))
    return {
        "input": {"messages": [SYSTEM, USER]},
        "preferred_output": [liked],
        "non_preferred_output": [other],
        **changes,
    }


def test_reads_answers_and_counts_their_tokens(tmp_path: Path) -> None:
    file = read_training_file(written(tmp_path / "a.jsonl", 12))

    assert (file.method, len(file.rows), file.rows[0].answer) == ("supervised", 12, '{"category": "order_delivery"}')
    assert file.rows[0].asked[-1].content == "荷物はいつ届きますか 0"
    assert 30 < file.tokens / 12 < 50
    assert len(file.sha256) == 64


def test_reads_pairs_with_the_answer_that_was_turned_down(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(lines([_pair()] * 10), encoding="utf-8")

    file = read_training_file(path)

    assert (file.method, file.rows[0].answer, file.rows[0].turned_down) == ("dpo", "はい", "いいえ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(lines(row(at) for at in range(9)), "has 9 rows; expected at least 10", id="too-few"),
        pytest.param(GOOD + "\n" + GOOD, ":13: Expecting value", id="a-blank-line"),
        pytest.param(GOOD[:-20], ":12: ", id="cut"),
        pytest.param("\ufeff" + GOOD, ":1: ", id="byte-order-mark"),
        pytest.param(GOOD + "[]\n", ":13: expected a JSON object", id="no-object"),
        pytest.param(GOOD + lines([row(0) | {"x": 1}]), ":13: x: Extra inputs", id="another-key"),
        pytest.param(GOOD + lines([{"messages": [SYSTEM, USER]}]), ":13: the last message is the user's",
                     id="no-answer"),
        pytest.param(GOOD + lines([{"messages": [SYSTEM, ASSISTANT]}]), ":13: the message before", id="no-question"),
        pytest.param(GOOD + lines([{"messages": [ASSISTANT]}]), ":13: has no question", id="answer-alone"),
        pytest.param(GOOD + lines([{"messages": [USER, ASSISTANT | {"content": " "}]}]), "is empty", id="empty"),
        pytest.param(GOOD + lines([{"messages": [USER, ASSISTANT | {"role": "tool"}]}]), "messages.1.role", id="role"),
        pytest.param(GOOD + lines([_pair()]), "mixes answers and pairs", id="mixed"),
        pytest.param(lines([_pair(non_preferred_output=[])] * 10), ":1: non_preferred_output", id="half-a-pair"),
    ],
)  # fmt: skip
def test_refuses_a_file_and_names_the_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as raised:
        read_training_file(path)

    assert said in str(raised.value)


def test_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.jsonl.*expected chat JSONL"):
        read_training_file(tmp_path / "none.jsonl")
