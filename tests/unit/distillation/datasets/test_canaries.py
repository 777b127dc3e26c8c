"""No personal data comes into a dataset: not by the question, not by the answer, not by what was turned down."""

import json

import pytest

from distillation.datasets.candidates import Candidates
from distillation.datasets.labelling import Labelling
from distillation.datasets.other_names import OtherNames
from distillation.datasets.redacting import ConversationRedaction
from distillation.datasets.rules import read_rules
from distillation.datasets.target_gate import TargetGate
from distillation.datasets.words_of_node import NodeWords
from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.gates.claims import LintContext
from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.redaction.redact import Redactor
from pharmacy.settings import Settings
from tests.api.canaries import canaries, leaked
from tests.unit.distillation.datasets.recorded import GENERATOR, recorded, rendered

GOOD = "ご連絡ありがとうございます。内容を確認いたしました。気になる点がありましたら、お知らせください。"


@pytest.fixture(scope="module")
def making() -> Candidates:
    rules, words = read_rules(), NodeWords.of(GENERATOR, Settings())
    gate = TargetGate(rules, LintContext(), Catalogue(()), Recogniser.load())
    return Candidates(words, Labelling(GENERATOR, words.flow, rules), gate, OtherNames({}), [], rules.top_up)


def test_a_canary_in_the_question_is_in_no_row(making: Candidates) -> None:
    every = canaries()

    rows = [making.of([recorded(canary.sentence, GOOD)]) for canary in every]

    kept = [candidate.row for found in rows for candidate in found]
    assert len(kept) == len(every)
    assert leaked(json.dumps(kept, ensure_ascii=False), every) == []


def test_a_canary_in_the_answer_or_in_what_was_turned_down_is_in_no_row(making: Candidates) -> None:
    every = canaries()
    calls = [
        recorded(
            "体調の相談です。", f"{GOOD}{canary.sentence}", decided="edited", decision={"cause": "tone"},
            sent=f"{canary.sentence}{GOOD}", blanks={"reasons": f"tone 1/5: {canary.sentence}",
            "instruction": canary.sentence, "previous_drafts": json.dumps([canary.sentence], ensure_ascii=False)},
        )
        for canary in every
    ]  # fmt: skip

    kept = [candidate.row for call in calls for candidate in making.of([call])]

    assert len(kept) > len(every) / 2  # the others name a contact, and the output gate holds them
    assert leaked(json.dumps(kept, ensure_ascii=False), every) == []


@pytest.mark.parametrize("blank", ["conversation", "facts", "draft", "previous_drafts", "reasons", "instruction"])
def test_every_blank_is_redacted_and_keeps_its_form(blank: str) -> None:
    every = canaries()
    forms = {
        "conversation": rendered, "draft": lambda words: json.dumps(words, ensure_ascii=False),
        "previous_drafts": lambda words: json.dumps([words], ensure_ascii=False),
        "facts": lambda words: f"[患者.conditions] {words}",
    }  # fmt: skip
    form = forms.get(blank, str)

    redacted = [ConversationRedaction(Redactor(), []).blanks({blank: form(canary.sentence)})[blank] for canary in every]

    assert leaked("\n".join(redacted), every) == []
    if blank in ("conversation", "draft", "previous_drafts"):
        assert all(json.loads(words) for words in redacted)


def test_question_and_answer_of_one_conversation_name_a_person_by_the_same_pseudonym() -> None:
    redaction = ConversationRedaction(Redactor(), ["霧島 花子"])
    blanks = {"conversation": rendered("霧島花子です。葛根湯は食前ですか。")}
    answer = {"missing_facts": [], "reply": "霧島様、食前にお飲みください。"}
    redaction.learn(blanks, [answer])

    asked, told = redaction.blanks(blanks)["conversation"], redaction.answer(answer)

    assert "〔氏名1〕" in asked
    assert told == {"missing_facts": [], "reply": "〔氏名1〕様、食前にお飲みください。"}


def test_a_name_that_is_said_late_is_gone_from_the_beginning_too(making: Candidates) -> None:
    early = recorded("三枝の件で相談です。胃が重いです。", GOOD, conversation_id="c", patient_id="p")
    late = recorded("三枝 健一と申します。胃が重いです。", GOOD, conversation_id="c", patient_id="p")

    rows = [candidate.row for candidate in making.of([early, late])]

    assert len(rows) == 2
    assert "三枝" not in json.dumps(rows, ensure_ascii=False)


def test_what_is_said_to_be_in_json_and_is_not_is_left_out(making: Candidates) -> None:
    before = making.left_out["blanks_do_not_fit"]

    rows = [*making.of([recorded("体調の相談です。", GOOD, blanks={"conversation": "not JSON"})])]

    assert (rows, making.left_out["blanks_do_not_fit"]) == ([], before + 1)
