"""A file to train from is checked line by line, whoever wrote it."""

import json
from pathlib import Path
from typing import Any

import pytest

from distillation.datasets import chat_file
from distillation.datasets.chat_file import check_file

ASK = {"role": "user", "content": "冷えがつらいです。"}
ANSWER = {"role": "assistant", "content": "承知しました。"}
SYSTEM = {"role": "system", "content": "受付です。"}
ROW = {"messages": [SYSTEM, ASK, ANSWER]}
PAIR = {"input": {"messages": [SYSTEM, ASK]}, "preferred_output": [ANSWER],
        "non_preferred_output": [{"role": "assistant", "content": "はい。"}]}  # fmt: skip


def line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def written(folder: Path, *lines: bytes, good: int = 10) -> Path:
    path = folder / "rows.jsonl"
    path.write_bytes(line(ROW) * good + b"".join(lines))
    return path


@pytest.mark.parametrize("row", [ROW, PAIR, {"messages": [ASK, ANSWER | {"weight": 0}, ASK, ANSWER]}])
def test_a_good_file_of_either_form_is_counted(tmp_path: Path, row: dict) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(line(row) * 10)

    found = check_file(path)

    assert (found.is_good, found.rows, found.faults) == (True, 10, [])
    assert found.tokens == 10 * found.longest_tokens > 0


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        pytest.param(b'{"messages": [{"role": "us', "cut short", id="cut-short"),
        pytest.param(b"\n", "is blank", id="blank"),
        pytest.param(b"\xff\xfe\n", "is no UTF-8", id="not-utf-8"),
        pytest.param(line([1]), "is a list of 1; expected an object", id="no-object"),
        pytest.param(b'{"messages": NaN}\n', "NaN is no number of JSON", id="nan"),
        pytest.param(b"[" * 100_000 + b"\n", "nested too deep", id="deep"),
        pytest.param(b'{"messages": [], "messages": []}\n', "stands twice", id="key-twice"),
        pytest.param(line({"messages": []}), "expected a list with at least one message", id="no-messages"),
        pytest.param(line(ROW | {"tools": []}), "has 'tools'; expected only", id="extra-key"),
        pytest.param(line({"messages": [ASK | {"name": "a"}, ANSWER]}), "has 'name'", id="extra-key-of-a-message"),
        pytest.param(line({"messages": [{"role": "user"}, ANSWER]}), "has no 'content'", id="no-content"),
        pytest.param(line({"messages": [ASK | {"content": " "}, ANSWER]}), "is empty", id="empty-content"),
        pytest.param(line({"messages": [ASK | {"content": None}, ANSWER]}), "is empty or no text", id="null-content"),
        pytest.param(line({"messages": [SYSTEM, SYSTEM, ASK, ANSWER]}), "one at most", id="two-systems"),
        pytest.param(line({"messages": [ASK, SYSTEM, ANSWER]}), "one at most", id="system-late"),
        pytest.param(line({"messages": [ASK, ASK, ANSWER]}), "expected 'assistant'", id="two-questions"),
        pytest.param(line({"messages": [ANSWER]}), "expected 'user'", id="answer-first"),
        pytest.param(line({"messages": [SYSTEM, ASK]}), "end with the user's", id="no-answer"),
        pytest.param(line({"messages": [SYSTEM]}), "hold no question", id="only-a-system"),
        pytest.param(line({"messages": [ASK, {"role": "tool", "content": "x"}]}), "'tool'; expected one of", id="tool"),
        pytest.param(line({"messages": [ASK, ANSWER | {"weight": 2}]}), "expected 0 or 1", id="weight"),
        pytest.param(line(PAIR | {"input": {"messages": [ASK, ANSWER]}}), "end with the assist", id="pair-answered"),
        pytest.param(line(PAIR | {"preferred_output": []}), "expected a list of one message", id="pair-of-none"),
        pytest.param(line(PAIR | {"preferred_output": [ASK]}), "expected 'assistant'", id="pair-of-a-question"),
        pytest.param(line(PAIR | {"non_preferred_output": [ANSWER]}), "are the same", id="pair-of-same"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_with_its_line_and_its_fault(tmp_path: Path, bad: bytes, says: str) -> None:
    found = check_file(written(tmp_path, bad))

    assert not found.is_good
    assert [(fault.line, says in fault.says) for fault in found.faults][:1] == [(11, True)], found.faults


def test_a_byte_order_mark_is_a_fault_and_other_line_ends_are_only_noted(tmp_path: Path) -> None:
    odd = {"messages": [ASK | {"content": "一\u2028二"}, ANSWER]}
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line(ROW) + line(ROW).replace(b"\n", b"\r\n") + line(odd) + line(ROW) * 8)

    found = check_file(path)

    assert [(fault.line, fault.says[:28]) for fault in found.faults] == [(1, "begins with a byte order mar")]
    assert [note.line for note in found.notes] == [2, 3]


def test_a_line_of_a_hundred_megabytes_is_named_without_being_held(tmp_path: Path) -> None:
    path = written(tmp_path)
    with path.open("ab") as file:
        for _ in range(100):
            file.write(b"x" * 1024 * 1024)
        file.write(b"\n" + line(ROW))

    found = check_file(path)

    assert [fault.line for fault in found.faults] == [11]
    assert found.rows == 11
    assert chat_file.LONGEST_LINE_BYTES < 100 * 1024 * 1024


@pytest.mark.parametrize(
    ("content", "says"),
    [(line(ROW) * 9, "has 9 rows; expected at least 10"), (b"", "has 0 rows"),
     (line(ROW) * 5 + line(PAIR) * 5, "mixes answers and pairs")],
    ids=["nine", "none", "mixed"],
)  # fmt: skip
def test_a_fault_of_the_whole_file_has_no_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)

    (fault,) = check_file(path).faults

    assert (fault.line, says in fault.says) == (0, True)


def test_a_row_that_no_model_could_read_whole_is_a_fault(tmp_path: Path) -> None:
    long = {"messages": [ASK | {"content": "冷" * 200_000}, ANSWER]}

    small, large = (check_file(written(tmp_path, line(long)), [name]) for name in ("gpt-4o-mini", "gpt-4.1-mini"))

    assert ([fault.line for fault in small.faults], large.is_good) == ([11], True)


def test_a_model_that_nobody_knows_is_noted(tmp_path: Path) -> None:
    found = check_file(written(tmp_path), ["llama-9"])

    assert (found.is_good, [note.says[:29] for note in found.notes]) == (True, ["the context of 'llama-9' is n"])
