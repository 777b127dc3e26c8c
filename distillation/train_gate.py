"""Train the gate's likeness from the rules' own examples and from pharmacy/domain/gates/examples.

Run: python -m distillation.train_gate. It reads no row of the public gate set, so that set stays a test.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pharmacy.domain.gates.likeness import LENGTHS, SCORES, WEIGHTS
from pharmacy.domain.gates.normalise import normalise
from pharmacy.domain.gates.rules import FOLDER, VOCABULARY, read_rules
from pharmacy.domain.gates.words import Vocabulary

EXAMPLES = FOLDER.parent / "examples"
NEAR_MISS_SHARES = (0.01, 0.025)
"""The shares of our own near-misses that may be held at all, and as an emergency, on folds the weights have not seen.

A missed emergency costs more than a near-miss that a pharmacist looks at, so it is let in more easily."""

_FOLDS = 5
_STRENGTH = 10.0
_TIERS = ({"E", "U", "H"}, {"E"}, {"E", "U"})
Example = tuple[tuple[str, ...], str | None]
"""One message in each of its spellings, and the tier it must be held at."""

Row = tuple[str, str | None]


def main() -> None:
    """Write the weights and print what they cost and bring on unseen folds."""
    groups = _variants([*_rule_examples(), *_written_examples()])
    floors = _floors(groups)
    texts = [variant for group in groups for variant in group]
    vectorizer, models = _fit(texts)
    names = vectorizer.get_feature_names_out()
    columns = np.stack([np.rint(model.coef_[0] * 100).astype(int) for model in models], axis=1)
    weights = {name: row.tolist() for name, row in zip(names, columns, strict=True)}
    read = {"weights": weights, "offsets": [round(float(model.intercept_[0]), 4) for model in models], "floors": floors}
    WEIGHTS.write_text(json.dumps(read, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(weights)} sequences, {WEIGHTS.stat().st_size // 1024} KiB, floors {floors}")


def _rule_examples() -> list[Example]:
    rules = read_rules(FOLDER, Vocabulary.read(FOLDER / VOCABULARY))
    held: list[Example] = [((text,), str(rule.tier)) for rule in rules for text in rule.hits]
    return held + [((text,), None) for rule in rules for text in rule.misses]


def _written_examples() -> list[Example]:
    rows = [json.loads(line) for path in sorted(EXAMPLES.glob("*.jsonl")) for line in _lines(path)]
    return [((row["text"], row.get("reading", row["text"])), row["tier"]) for row in rows]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _variants(examples: Sequence[Example]) -> list[list[Row]]:
    """Return the spellings of each example with a seeded one-letter slip of each; all fall into the same fold."""
    dice = random.Random(20260115)  # noqa: S311
    groups = []
    for spellings, tier in examples:
        plain = [normalise(text).joined()[0] for text in dict.fromkeys(spellings)]
        cuts = [dice.randrange(max(len(text), 1)) for text in plain]
        slips = [text[:cut] + text[cut + 1 :] for text, cut in zip(plain, cuts, strict=True)]
        groups.append([(text, tier) for text in (*plain, *slips)])
    return groups


def _fit(texts: Sequence[Row]) -> tuple[Any, list[Any]]:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import normalize

    vectorizer = CountVectorizer(
        analyzer="char", ngram_range=(LENGTHS[0], LENGTHS[-1]), binary=True, lowercase=False, min_df=3
    )
    features = normalize(vectorizer.fit_transform([text for text, _ in texts]))
    models = [
        LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=3000).fit(
            features, [tier in tiers for _, tier in texts]
        )
        for tiers in _TIERS
    ]
    return vectorizer, models


def _floors(groups: Sequence[list[Row]]) -> list[float]:
    """Return the floor of each score, from scores on folds that were left out of the training."""
    from sklearn.preprocessing import normalize

    held_back: list[tuple[np.ndarray[Any, Any], str | None]] = []
    order = random.Random(7).sample(range(len(groups)), len(groups))  # noqa: S311
    for fold in range(_FOLDS):
        test = order[fold::_FOLDS]
        unseen = set(test)
        vectorizer, models = _fit([row for at, group in enumerate(groups) if at not in unseen for row in group])
        features = normalize(vectorizer.transform([groups[at][0][0] for at in test]))
        scores = np.stack([model.decision_function(features) for model in models], axis=1)
        held_back += [(row, groups[at][0][1]) for row, at in zip(scores, test, strict=True)]
    misses = np.array([row[:2] for row, tier in held_back if tier is None])
    held, emergency = (float(np.quantile(misses[:, at], 1 - share)) for at, share in enumerate(NEAR_MISS_SHARES))
    for tiers, score in zip(_TIERS, SCORES, strict=True):
        rows = [row for row, tier in held_back if tier in tiers]
        share = np.mean([row[0] > held or row[1] > emergency for row in rows])
        print(f"{score}: {share:.3f} of {len(rows)} held on unseen folds, rules aside")
    cost = np.mean((misses[:, 0] > held) | (misses[:, 1] > emergency))
    print(f"near-misses: {cost:.3f} of {len(misses)} held on unseen folds, rules aside")
    return [round(held, 4), round(emergency, 4)]


if __name__ == "__main__":
    main()
