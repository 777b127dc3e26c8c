"""Train the gate's likeness from the rules' own examples and from pharmacy/domain/gates/examples.

Run: python -m distillation.train_gate [--check | --measure]. With --check it writes nothing and says whether the
committed weights are what the examples give; with --measure it says what folds kept out of training show. It reads no
row of the public gate set, so that set stays a test.
"""

import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pharmacy.domain.gates.likeness import HUNDREDTHS, WEIGHTS, sequences
from pharmacy.domain.gates.normalise import normalise
from pharmacy.domain.gates.reading import Shared
from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.domain.gates.rules import FOLDER, VOCABULARY, Rule, read_rules
from pharmacy.domain.gates.words import Vocabulary

EXAMPLES = FOLDER.parent / "examples"
FLOORS = (0.6, -0.3, -2.0)
"""Over which score a message is held at all, as an emergency, and where a rule hints at it. Chosen on unseen rows."""

_FOLDS = 3
_STRENGTH = 10.0
_LEAST_SEEN = 3
_SIGN_SIZE = 0.3
# What is said around the point says nothing of it: every example is also read in one of these, drawn by lot.
_WRAPS = (
    "気のせいかもしれませんが、{}", "たいしたことではないのですが、{}", "念のためお聞きします。{}", "すみません、{}",
    "{}と母が言っています", "{}と主人が申しております", "{}そうです、友人の話ですが", "{}なんです、笑",
    "{}んだべ", "{}やねんけど", "{}とよ", "注文の件とは別で、{}",
)  # fmt: skip
_TIERS = ({"E", "U", "H"}, {"E"}, {"E", "U"})


@dataclass(frozen=True)
class Row:
    """One spelling of one example, as the likeness reads it."""

    sequences: NDArray[np.uint32]
    signs: tuple[str, ...]
    tier: str | None


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
    groups = _groups()
    known, rarity, signs, models = _fit([row for group in groups for row in group])
    columns = np.stack([model.coef_[0] for model in models], axis=1)
    # What a sequence's rarity is worth is part of its weight: whoever scores a text need not know it.
    columns[: len(known)] *= rarity[:, None]
    return {
        "sequences": known,
        "weights": np.rint(columns[: len(known)] * HUNDREDTHS).astype(np.int16),
        "sign_names": np.array(signs),
        "sign_weights": np.round(columns[len(known) :] * _SIGN_SIZE * HUNDREDTHS, 1),
        "offsets": np.array([round(float(model.intercept_[0]), 4) for model in models]),
        "floors": np.array(FLOORS),
    }


def measure(groups: Sequence[list[Row]]) -> str:
    """Return what share is held on folds that were left out of the training, rules aside."""
    scored: list[tuple[NDArray[Any], str | None]] = []
    order = random.Random(7).sample(range(len(groups)), len(groups))  # noqa: S311
    for fold in range(_FOLDS):
        test = order[fold::_FOLDS]
        unseen = set(test)
        known, rarity, signs, models = _fit(
            [row for at, group in enumerate(groups) if at not in unseen for row in group]
        )
        features = _matrix([groups[at][0] for at in test], known, rarity, signs)
        scores = np.stack([model.decision_function(features) for model in models], axis=1)
        scored += [(row, groups[at][0].tier) for row, at in zip(scores, test, strict=True)]
    lines = []
    for tier in ("E", "U", "H", None):
        held = [row[0] > FLOORS[0] or row[1] > FLOORS[1] for row, wanted in scored if wanted == tier]
        lines.append(f"{tier or 'near-misses'}: {np.mean(held):.3f} of {len(held)} held")
    return "\n".join(lines)


def same(trained: dict[str, NDArray[Any]], path: Path) -> bool:
    """Return whether the file holds the same weights, rounding aside."""
    with np.load(path, allow_pickle=False) as kept:
        exact = all(np.array_equal(kept[name], trained[name]) for name in ("sequences", "sign_names"))
        return exact and all(
            np.allclose(kept[name], trained[name], atol=2 if "weights" in name else 0.02)
            for name in ("weights", "sign_weights", "offsets", "floors")
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
            rows.append(Row(sequences(stretch), tuple(found) if signs else (), tier))
    return rows


def _fit(rows: Sequence[Row]) -> tuple[NDArray[np.uint32], NDArray[np.float64], list[str], list[Any]]:
    """Return the known sequences, how rare each is, the known signs, and one model per score.

    Rarity is the smoothed inverse document frequency, as scikit-learn's TfidfTransformer has it.
    """
    from sklearn.linear_model import LogisticRegression

    seen, counts = np.unique(np.concatenate([row.sequences for row in rows]), return_counts=True)
    known = seen[counts >= _LEAST_SEEN]
    rarity = np.log((1 + len(rows)) / (1 + counts[counts >= _LEAST_SEEN])) + 1
    signs = sorted({sign for row in rows for sign in row.signs})
    features = _matrix(rows, known, rarity, signs)
    models = [
        LogisticRegression(C=_STRENGTH, class_weight="balanced", solver="liblinear", tol=1e-4, random_state=0).fit(
            features, [row.tier in tiers for row in rows]
        )
        for tiers in _TIERS
    ]
    return known, rarity, signs, models


def _matrix(rows: Sequence[Row], known: NDArray[np.uint32], rarity: NDArray[np.float64], signs: Sequence[str]) -> Any:
    from scipy.sparse import csr_matrix

    place = {sign: len(known) + at for at, sign in enumerate(signs)}
    columns, sizes, ends = [], [], [0]
    for row in rows:
        at = np.searchsorted(known, row.sequences).clip(max=len(known) - 1)
        at = at[known[at] == row.sequences]
        found = [place[sign] for sign in set(row.signs) if sign in place]
        columns += [at, np.array(found, dtype=np.int64)]
        sizes += [rarity[at] * max(len(at), 1) ** -0.5, np.full(len(found), _SIGN_SIZE)]
        ends.append(ends[-1] + len(at) + len(found))
    return csr_matrix(
        (np.concatenate(sizes), np.concatenate(columns), ends), shape=(len(rows), len(known) + len(signs))
    )


if __name__ == "__main__":
    main()
