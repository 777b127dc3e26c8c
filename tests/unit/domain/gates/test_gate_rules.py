"""Every rule's own examples, and that no example of ours is a copy of the public set."""

import json
import re

import pytest

from pharmacy.domain.gates.normalise import normalise
from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.domain.gates.rules import FOLDER, Rule
from tests.unit.domain.gates.gate_rows import rows

RECOGNISER = Recogniser.load()
_NOISE = re.compile(r"[。、?!\s笑]")
MOST_SHARED = 0.6


def pairs(text: str) -> set[str]:
    plain = _NOISE.sub("", normalise(text).text)
    return {plain[at : at + 2] for at in range(len(plain) - 1)}


def likeness(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(len(one | other), 1)


@pytest.mark.parametrize("rule", RECOGNISER.rules, ids=lambda rule: rule.name)
def test_a_rule_holds_its_hits_and_lets_its_misses_go(rule: Rule) -> None:
    held = {text for text in (*rule.hits, *rule.misses) if rule.name in names(text)}

    assert held == set(rule.hits)


def test_no_example_is_a_copy_of_a_public_row() -> None:
    public = [pairs(row["text"]) for row in rows("gate-utterances.jsonl")]
    files = sorted((FOLDER.parent / "examples").glob("*.jsonl"))
    own = [json.loads(line)["text"] for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    own += [text for rule in RECOGNISER.rules for text in (*rule.hits, *rule.misses)]

    copies = [text for text in own if _nearest(pairs(text), public) > MOST_SHARED]
    assert copies == []


def test_an_example_of_training_is_not_in_the_development_set() -> None:
    files = sorted((FOLDER.parent / "examples").glob("*.jsonl"))
    own = {json.loads(line)["text"] for path in files for line in path.read_text(encoding="utf-8").splitlines()}

    assert not own & {row["text"] for row in rows("gate-development.jsonl")}


def _nearest(one: set[str], others: list[set[str]]) -> float:
    return max(likeness(one, other) for other in others)


def names(text: str) -> set[str]:
    return {hit.rule for hit in RECOGNISER.recognise(text).hits}
