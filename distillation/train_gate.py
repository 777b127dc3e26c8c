"""Train the gate's likeness from the rules' own examples and from pharmacy/domain/gates/examples.

Run: python -m distillation.train_gate [--check | --measure]. With --check it writes nothing and says whether the
committed weights are what the examples give; with --measure it says what folds kept out of training show. It reads no
row of the public gate set, so that set stays a test.
"""

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distillation.gate_features import SIGN_SIZE, Block, Features, Row
from pharmacy.domain.gates.likeness import HUNDREDTHS, WEIGHTS, Floors
from pharmacy.domain.gates.normalise import normalise
from pharmacy.domain.gates.reading import Shared
from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.domain.gates.rules import FOLDER, VOCABULARY, Rule, read_rules
from pharmacy.domain.gates.words import Vocabulary

EXAMPLES = FOLDER.parent / "examples"
FLOORS = Floors(held=0.2, emergency=-2.0, emergency_too=-0.5, emergency_rule=-6.0, rule=-1.5, hint=-2.5)
"""Chosen on writers whose rows were left out of the training: docs/decisions/0013-a-rule-needs-a-second-witness.md."""

_FOLDS = 3
_STRENGTH = 10.0
# What is said around the point says nothing of it: every example is also read in one of these, drawn by lot.
_WRAPS = (
    "気のせいかもしれませんが、{}", "たいしたことではないのですが、{}", "念のためお聞きします。{}", "すみません、{}",
    "{}と母が言っています", "{}と主人が申しております", "{}そうです、友人の話ですが", "{}なんです、笑",
    "{}んだべ", "{}やねんけど", "{}とよ", "注文の件とは別で、{}", "{}笑", "{}(笑)",
)  # fmt: skip
_TIERS = ({"E", "U", "H"}, {"E"}, {"E", "U"})


def main() -> None:
    """Write the weights, or check them, and print what they cost and bring on unseen folds."""
    if "--measure" in sys.argv:
        sys.exit(measure(_groups()))
    trained = train()
    if "--check" in sys.argv:
        sys.exit(0 if same(trained, WEIGHTS) else "the committed weights are not what the examples give")
    np.savez_compressed(WEIGHTS, allow_pickle=False, **trained)
    print(f"{len(trained['sequences'])} sequences, {WEIGHTS.stat().st_size // 1024} KiB, floors {trained['floors']}")


def train() -> dict[str, NDArray[Any]]:
    """Return the arrays of the weights file."""
    return weigh([row for group in _groups() for row in group])


def weigh(rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
    """Return the weights that tell the tiers of `rows` apart; the same rows give the same weights."""
    features, models = fit(rows)
    columns = np.stack([model.coef_[0] for model in models], axis=1) * HUNDREDTHS
    of_sequences, of_pairs, of_signs = np.split(
        columns, np.cumsum([len(features.sequences.known), len(features.pairs.known)])
    )
    return {
        "sequences": features.sequences.known,
        "weights": _worth(features.sequences, of_sequences),
        "pairs": features.pairs.known,
        "pair_weights": _worth(features.pairs, of_pairs),
        "sign_names": np.array(features.signs),
        "sign_weights": np.round(of_signs * SIGN_SIZE, 1),
        "offsets": np.array([round(float(model.intercept_[0]), 4) for model in models]),
        "floors": np.array(FLOORS),
    }


def fit(rows: Sequence[Row]) -> tuple[Features, list[Any]]:
    """Return what is weighed, and one model per score."""
    from sklearn.linear_model import LogisticRegression

    features = Features.of(rows)
    matrix = features.matrix(rows)
    models = [
        LogisticRegression(C=_STRENGTH, class_weight="balanced", solver="liblinear", tol=1e-3, random_state=0).fit(
            matrix, [row.tier in tiers for row in rows]
        )
        for tiers in _TIERS
    ]
    return features, models


def _worth(block: Block, weights: NDArray[np.float64]) -> NDArray[np.int16]:
    # What rarity is worth is part of the weight: whoever scores a text need not know it.
    return np.rint(weights * block.rarity[:, None] * block.size).astype(np.int16)


def measure(groups: Sequence[list[Row]]) -> str:
    """Return what share is held on folds that were left out of the training, rules aside."""
    scored: list[tuple[NDArray[Any], str | None]] = []
    order = random.Random(7).sample(range(len(groups)), len(groups))  # noqa: S311
    for fold in range(_FOLDS):
        test = order[fold::_FOLDS]
        unseen = set(test)
        features, models = fit([row for at, group in enumerate(groups) if at not in unseen for row in group])
        matrix = features.matrix([groups[at][0] for at in test])
        scores = np.stack([model.decision_function(matrix) for model in models], axis=1)
        scored += [(row, groups[at][0].tier) for row, at in zip(scores, test, strict=True)]
    lines = []
    for tier in ("E", "U", "H", None):
        held = [_is_held(row) for row, wanted in scored if wanted == tier]
        lines.append(f"{tier or 'near-misses'}: {np.mean(held):.3f} of {len(held)} held")
    return "\n".join(lines)


def _is_held(scores: NDArray[Any]) -> bool:
    held, emergency = float(scores[0]), float(scores[1])
    return held > FLOORS.held or (emergency > FLOORS.emergency and held + emergency > FLOORS.emergency_too)


def same(trained: dict[str, NDArray[Any]], path: Path) -> bool:
    """Return whether the file holds the same weights, rounding aside."""
    with np.load(path, allow_pickle=False) as kept:
        exact = all(np.array_equal(kept[name], trained[name]) for name in ("sequences", "pairs", "sign_names"))
        return exact and all(
            np.allclose(kept[name], trained[name], atol=2 if "weights" in name else 0.02)
            for name in ("weights", "pair_weights", "sign_weights", "offsets", "floors")
        )


def _groups() -> list[list[Row]]:
    """Return the spellings of each example with a seeded one-letter slip of each; all fall into the same fold."""
    vocabulary = Vocabulary.read(FOLDER / VOCABULARY)
    rules = read_rules(FOLDER, vocabulary)
    reader = Recogniser(rules, Shared.of(vocabulary), None)
    dice = random.Random(20260115)  # noqa: S311
    # A rule always holds its own examples; what its sign is worth is learned from the others.
    groups = [_spellings(reader, dice, [text], tier, signs=False) for text, tier in _rule_examples(rules)]
    for path in sorted(EXAMPLES.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            spellings = [row["text"], row.get("reading", row["text"])]
            groups.append(_spellings(reader, dice, spellings, row["tier"], signs=True))
    return groups


def _rule_examples(rules: Sequence[Rule]) -> list[tuple[str, str | None]]:
    held: list[tuple[str, str | None]] = [(text, str(rule.tier)) for rule in rules for text in rule.hits]
    return held + [(text, None) for rule in rules for text in rule.misses]


def _spellings(
    reader: Recogniser, dice: random.Random, spellings: Sequence[str], tier: str | None, *, signs: bool
) -> list[Row]:
    wrapped = dice.choice(_WRAPS).format(spellings[0])
    plain = [normalise(text).joined()[0] for text in dict.fromkeys([*spellings, wrapped])]
    cuts = [dice.randrange(max(len(text), 1)) for text in plain]
    slips = [text[:cut] + text[cut + 1 :] for text, cut in zip(plain, cuts, strict=True)]
    rows = []
    for text in (*plain, *slips):
        for stretch, found in reader.stretches(text)[:1]:
            rows.append(Row.of(stretch, found if signs else (), tier))
    return rows


if __name__ == "__main__":
    main()
