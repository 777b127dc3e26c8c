"""The circle's messages: the same for the same seed, varied, true, and none that the gate's rules hold."""

import json
from pathlib import Path

from pharmacy.domain.gates.recognise import Recogniser
from tests.circle.base import base_rows
from tests.circle.checking import faults
from tests.circle.truth import Message, Talk, talks

SEED = 20261123


def test_the_same_seed_gives_the_same_messages_from_wherever_one_begins() -> None:
    assert [*talks(SEED, 0, 30)][10:] == [*talks(SEED, 10, 20)]
    assert [*talks(SEED, 0, 5)] != [*talks(SEED + 1, 0, 5)]


def test_conversations_have_one_to_four_messages_and_hardly_any_two_are_the_same() -> None:
    made = [*talks(SEED, 0, 300)]

    assert {len(talk.messages) for talk in made} == {1, 2, 3, 4}
    texts = [message.text for talk in made for message in talk.messages]
    assert len({*texts}) > 0.8 * len(texts)


def test_no_message_is_held_by_the_rules_unless_somebody_says_who_they_are() -> None:
    recogniser = Recogniser.load()

    held = [
        message.text
        for talk in talks(SEED, 0, 150)
        for message in talk.messages[1 if talk.canaries else 0 :]
        if recogniser.recognise(message.text).hits
    ]

    assert held == []


def test_a_right_reply_is_one_that_the_pharmacist_takes_and_another_product_s_is_not() -> None:
    asked = [message for talk in talks(SEED, 0, 200) for message in talk.messages if message.kind == "crude_drugs"]
    one, other = asked[0], next(message for message in asked if message.must != asked[0].must)

    assert one.takes(one.reply or "")
    assert not one.takes(other.reply or "")


def test_nothing_of_the_shipped_training_examples_is_said() -> None:
    shipped = {
        json.loads(line)["text"]
        for file in Path("distillation/examples").glob("*/*.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
    }

    assert not shipped & {message.text for talk in talks(SEED, 0, 300) for message in talk.messages}


def row(question: str, **answer: str) -> str:
    roles = zip(("system", "user", "assistant"), ("s", question, json.dumps(answer)), strict=True)
    return json.dumps({"messages": [{"role": role, "content": words} for role, words in roles]}) + "\n"


def test_the_base_learns_from_rows_of_other_categories_only(tmp_path: Path) -> None:
    file = tmp_path / "classify.train.jsonl"
    categories = ("product_usage", "follow_up", "pharmacist_only", "order_delivery")
    file.write_text("".join(row(one, category=one) for one in categories), encoding="utf-8")

    kept = [
        json.loads(json.loads(line)["messages"][2]["content"])["category"] for line in base_rows("classify", file, [])
    ]

    assert kept == ["follow_up", "order_delivery"]


def test_the_checker_finds_a_canary_a_question_in_two_splits_and_a_broken_row(tmp_path: Path) -> None:
    train, held = tmp_path / "classify.train.jsonl", tmp_path / "classify.held_out.jsonl"
    train.write_text(row("one", category="a") + row("call 090-1234-5678", category="a"), encoding="utf-8")
    held.write_text(row("one", category="a") + '{"messages": [], "weight": 1}\n', encoding="utf-8")
    told = Talk("c", {"consent": {"training": True}}, (Message("k", "t", "a"),), ("090-1234-5678",))

    found = faults([train, held], [told])

    assert len(found) == 3
    assert found[0] == "classify.train.jsonl: holds '090-1234-5678'"
    assert "stands in train too" in found[2]
    assert faults([train], []) == []


def said(words: str) -> str:
    return json.dumps({"from": "patient", "text": words})


def test_the_checker_finds_a_patient_in_two_splits_and_one_who_did_not_agree(tmp_path: Path) -> None:
    train, held = tmp_path / "classify.train.jsonl", tmp_path / "classify.held_out.jsonl"
    train.write_text(
        row(said("first words"), category="a") + row(said("words of a third"), category="a"), encoding="utf-8"
    )
    held.write_text(row(said("second words"), category="a"), encoding="utf-8")
    twice = tuple(Message("k", words, "a") for words in ("first words", "second words"))
    both = Talk("c1", {"consent": {"training": True}}, twice)
    silent = Talk("c2", {"consent": {"training": False}}, (Message("k", "words of a third", "a"),))

    found = faults([train, held], [both, silent])

    assert found == [
        "classify.train.jsonl: holds words of c2, who did not agree to training",
        "classify.held_out.jsonl: c1 stands in train too",
    ]
