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
        pytest.param(lines(row(at) for at in range(9)), "bad.jsonl: has 9 rows; expected at least 10", id="too-few"),
        pytest.param(GOOD + "\n" + GOOD, "bad.jsonl:13: is blank", id="a-blank-line"),
        pytest.param(GOOD[:-20], "bad.jsonl:12: is no JSON", id="cut"),
        pytest.param(GOOD + lines([{"messages": [SYSTEM, USER]}]), "bad.jsonl:13: messages end with", id="no-answer"),
        pytest.param(GOOD + lines([{"messages": [SYSTEM, ASSISTANT]}]), "bad.jsonl:13: messages[1].role",
                     id="no-question"),
        pytest.param(GOOD + lines([_pair()]), "mixes answers and pairs", id="mixed"),
        pytest.param("[]\n" * 12, "and 10 more faults: kakari dataset check ", id="many"),
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
