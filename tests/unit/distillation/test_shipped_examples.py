"""The students' examples: enough, varied, split by family, and free of the rows that the gate is measured on."""

import json
import re
import tomllib
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from evaluation.student_examples import Example, families, read_examples

ROOT = Path(__file__).parents[3]
FLOW = tomllib.loads((ROOT / "nodes/flow.toml").read_text(encoding="utf-8"))
NODES = ("classify", "switch_phase")


@pytest.mark.parametrize("node", NODES)
def test_a_family_stands_in_one_split_only(node: str) -> None:
    taught, held_out = families(read_examples(node, "train")), families(read_examples(node, "held_out"))

    assert not taught & held_out
    assert 0.15 < len(held_out) / len(taught | held_out) < 0.25


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("split", ["train", "held_out"])
def test_no_row_of_the_gate_set_is_an_example(node: str, split: str) -> None:
    gate = (ROOT / "tests/data/gate-utterances.jsonl").read_text(encoding="utf-8").splitlines()
    gate_texts = {_bare(json.loads(row)["text"]) for row in gate}

    assert not {_bare(example.text) for example in read_examples(node, split)} & gate_texts  # type: ignore[arg-type]


@pytest.mark.parametrize("node", NODES)
def test_no_held_out_message_is_nearly_a_taught_one(node: str) -> None:
    taught, held_out = read_examples(node, "train"), read_examples(node, "held_out")

    likeness = _likeness([example.text for example in taught], [example.text for example in held_out])

    at, of = np.unravel_index(likeness.argmax(), likeness.shape)
    assert likeness.max() < 0.8, f"{taught[at].text!r} is nearly {held_out[of].text!r}"


def test_every_category_of_the_flow_has_300_messages_in_40_families() -> None:
    examples = read_examples("classify", "train") + read_examples("classify", "held_out")

    for category in FLOW["categories"]:
        mine = [example for example in examples if example.answer == category]
        assert len({_bare(example.text) for example in mine}) >= 300, category
        assert len(families(mine)) >= 40, category
    assert {example.answer for example in examples} == set(FLOW["categories"])


def test_every_decision_that_the_flow_allows_has_150_messages_and_no_other_has_any() -> None:
    decisions = Counter(_decision(example) for node in ("train", "held_out") for example in _phases(node))

    allowed = {(phase, after) for phase, table in FLOW["phases"].items() for after in (phase, *table["next"])}
    assert set(decisions) == allowed
    assert min(decisions.values()) >= 150


def test_most_messages_are_wordings_of_their_own() -> None:
    texts = [_bare(example.text) for node in NODES for example in read_examples(node, "train")]

    likeness = _likeness(texts[::7], texts[3::7])

    assert (likeness.max(axis=1) < 0.8).mean() > 0.6


def _phases(split: str) -> list[Example]:
    return read_examples("switch_phase", split)  # type: ignore[arg-type]


def _decision(example: Example) -> tuple[str | None, str]:
    return example.phase, example.answer


def _bare(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def _likeness(one: list[str], other: list[str]) -> np.ndarray:
    """Return how many of their three-character pieces two texts share, 0 to 1, for every pair."""
    pieces = [{bare[at : at + 3] for at in range(max(1, len(bare) - 2))} for bare in map(_bare, one + other)]
    place = {piece: at for at, piece in enumerate(set().union(*pieces))}
    columns = [place[piece] for held in pieces for piece in held]
    starts = np.cumsum([0, *(len(held) for held in pieces)])
    table = csr_matrix((np.ones(len(columns), dtype=np.float32), columns, starts), shape=(len(pieces), len(place)))
    shared = (table[: len(one)] @ table[len(one) :].T).toarray()
    sizes = np.diff(starts)
    return shared / (sizes[: len(one), None] + sizes[None, len(one) :] - shared)
