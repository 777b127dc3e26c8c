"""Each reason for and against a student's step stands in both languages, with the blanks that its values fill."""

import re

import pytest

from distillation.plan import load_plan
from distillation.reasons import SENTENCES, Reason
from nodes.load import load_flow
from server.console.languages import catalogue, language
from server.console.model_words import ModelWords


@pytest.mark.parametrize("name", ["ja", "en"])
def test_every_reason_stands_in_the_words_of_the_language_with_the_same_blanks(name: str) -> None:
    words = {message.id: str(message.string) for message in catalogue(name)}

    told = {code: words[f"reason_of_check:{code}"] for code in SENTENCES}

    assert {code: _blanks(said) for code, said in told.items()} == {code: _blanks(s) for code, s in SENTENCES.items()}
    if name == "en":
        assert told == SENTENCES


def test_roles_and_measures_are_named_and_numbers_written_as_the_language_does() -> None:
    words = ModelWords(language("ja"), load_flow())
    roles = tuple(role.value for role in load_plan("classify").approvers)

    named = words.reason(Reason("role", {"who": "mori", "role": "pharmacist", "roles": roles}))
    counted = words.reason(Reason("rows", {"there": 3, "least": 3600}))
    watched = words.reason(Reason("not_fallen", {"watch": "acceptance", "bound": "80%"}))

    assert named.startswith("moriの役割は薬剤師です。計画が認める役割: 責任薬剤師")
    assert counted == "評価用は3件。3,600件以上が必要です"
    assert watched == "薬剤師が認めた割合が80%を下回ったとは示されていません"


def _blanks(sentence: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", sentence))
