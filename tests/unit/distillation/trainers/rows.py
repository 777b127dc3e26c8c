"""Training files for the tests of the trainers."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distillation.trainers.port import Order
from distillation.trainers.training_file import read_training_file

TEXTS = {"order_delivery": "荷物はいつ届きますか", "product_usage": "食後に飲んでもいいですか"}
BASE = "openai:gpt-4o-mini-2024-07-18"


def row(at: int, *, begin: int = 0) -> dict[str, Any]:
    """Return one row; `begin` makes files of other rows."""
    category, text = [*TEXTS.items()][at % 2]
    asked = [
        {"role": "system", "content": "分類してください。"},
        {"role": "user", "content": f"{text} {begin + at}"},
    ]
    return {"messages": [*asked, {"role": "assistant", "content": json.dumps({"category": category})}]}


def lines(rows: Iterable[object]) -> str:
    """Return rows as JSONL."""
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows)


def written(path: Path, count: int, *, begin: int = 0) -> Path:
    """Return `path`, with so many rows in it."""
    path.write_text(lines(row(at, begin=begin) for at in range(count)), encoding="utf-8")
    return path


def order(path: Path, **changes: Any) -> Order:
    """Return an order for the rows in `path`."""
    given = {"node": "classify", "base": BASE, "prompt_fingerprint": "3f9c1a77b0de", "train": read_training_file(path)}
    return Order(**{**given, **changes})
