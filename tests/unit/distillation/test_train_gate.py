"""The likeness's training: the same rows give the same weights, and the gate scores a text as the training did."""

from pathlib import Path

import numpy as np
import pytest

from distillation.gate_features import Row
from distillation.train_gate import EXAMPLES, fit, same, weigh
from pharmacy.domain.gates.likeness import WEIGHTS, Likeness
from pharmacy.domain.gates.recognise import Recogniser

SAID = {
    "E": [
        "胸が締めつけられて冷や汗が出ます",
        "息ができなくて唇が紫です",
        "父が倒れて返事をしません",
        "大量に薬を飲みました",
    ],
    "U": [
        "妊娠中ですが飲めますか",
        "血圧の薬と一緒に飲めますか",
        "検査の数値を見てください",
        "飲んでから湿疹が出ました",
    ],
    "H": ["薬剤師さんと話したいです", "返金してください", "個人情報を消してください", "対応がひどすぎます"],
    None: ["送料はいくらですか", "明日届きますか", "映画を見て胸がいっぱいです", "いつもありがとうございます"],
}
SIGNS = {"E": ["held a", "touched chest"], "U": ["held b", "touched chest"], "H": ["held c"], None: ["touched leisure"]}
ROWS = [
    Row.of(text + end, SIGNS[tier], tier) for tier, texts in SAID.items() for text in texts for end in ("", "ね", "。")
]


@pytest.fixture(scope="module")
def trained() -> dict[str, np.ndarray]:
    return weigh(ROWS)


def test_the_same_rows_give_the_same_weights(trained: dict[str, np.ndarray], tmp_path: Path) -> None:
    np.savez(tmp_path / "once.npz", **weigh(ROWS))  # type: ignore[arg-type]

    assert same(trained, tmp_path / "once.npz")


def test_other_rows_give_other_weights(trained: dict[str, np.ndarray], tmp_path: Path) -> None:
    turned = [Row(row.sequences, row.pairs, row.signs, {"E": None, None: "E"}.get(row.tier, row.tier)) for row in ROWS]
    np.savez(tmp_path / "turned.npz", **weigh(turned))  # type: ignore[arg-type]

    assert not same(trained, tmp_path / "turned.npz")


def test_the_gate_scores_a_text_as_the_training_did(trained: dict[str, np.ndarray], tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", **trained)  # type: ignore[arg-type]
    text, signs = "胸が締めつけられて返事をしませんか", ["held a", "touched chest", "never seen"]
    features, models = fit(ROWS)

    wanted = [model.decision_function(features.matrix([Row.of(text, signs, None)]))[0] for model in models]

    assert Likeness.load(tmp_path / "weights.npz").scores(text, signs) == pytest.approx(wanted, abs=0.1)


def test_the_shipped_weights_know_the_shipped_rules() -> None:
    known = set(Likeness.load(WEIGHTS).signs)
    rules = [rule.name for rule in Recogniser.load().rules]

    assert sum(f"held {name}" in known for name in rules) / len(rules) > 0.9
    assert len(list(EXAMPLES.glob("*.jsonl"))) == 22
