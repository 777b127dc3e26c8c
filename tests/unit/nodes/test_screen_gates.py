"""`screen`: each structural gate, and both sides of its border."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nodes.screen import Standing, japanese_share, screen
from pharmacy.domain.conversation import Author, Kind, Transcript, Turn
from pharmacy.domain.facts import Consent, Patient
from pharmacy.domain.gates.hit import Tier

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
STANDING = Standing(NOW, Patient("p-1"))


def turn(text: str = "荷物はいつ届きますか", seconds_ago: float = 60, kind: Kind = Kind.TEXT) -> Turn:
    """Return a patient's message."""
    return Turn(Author.PATIENT, text, NOW - timedelta(seconds=seconds_ago), kind)


def rules(turns: Sequence[Turn], standing: Standing = STANDING, unanswered: int | None = None) -> list[str]:
    """Return the names of the gates that hold `turns`, all of them unanswered unless said otherwise."""
    mine = sum(each.author is Author.PATIENT for each in turns)
    hits = screen(Transcript(tuple(turns), mine if unanswered is None else unanswered), standing)
    return [hit.rule for hit in hits]


def test_an_everyday_question_passes() -> None:
    assert rules([turn()]) == []


@pytest.mark.parametrize(
    ("changes", "rule", "tier"),
    [
        pytest.param({"open_case": Tier.E}, "screen.open_case", Tier.E, id="open-emergency"),
        pytest.param({"open_case": Tier.U}, "screen.open_case", Tier.U, id="open-urgent-case"),
        pytest.param({"taken_over": True}, "screen.taken_over", Tier.H, id="taken-over"),
        pytest.param(
            {"patient": Patient("p-1", consent=Consent(replies=False))}, "screen.consent_refused", Tier.H, id="refused"
        ),
    ],
)
def test_where_the_conversation_stands_can_hold_it(changes: dict[str, object], rule: str, tier: Tier) -> None:
    (hit,) = screen(Transcript((turn(),)), replace(STANDING, **changes))  # type: ignore[arg-type]

    assert (hit.rule, hit.tier, hit.span) == (rule, tier, (0, 0))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"open_case": Tier.H}, id="an-open-case-without-hurry"),
        pytest.param({"first_contact": True}, id="first-contact"),
        pytest.param({"patient": Patient("p-1", consent=Consent())}, id="consent-unknown"),
    ],
)
def test_what_only_keeps_a_reply_from_going_out_by_itself_does_not_hold(changes: dict[str, object]) -> None:
    assert rules([turn()], replace(STANDING, **changes)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "rule"),
    [(Kind.MEDIA, "screen.non_text"), (Kind.UNSENT, "screen.unsent"), (Kind.EDITED, "screen.edited")],
)
def test_what_is_no_plain_text_is_held_even_beside_one(kind: Kind, rule: str) -> None:
    assert rules([turn("", kind=kind), turn()]) == [rule]


def test_an_answered_picture_does_not_hold_the_next_message() -> None:
    assert rules([turn("", kind=Kind.MEDIA), turn()], unanswered=1) == []


@pytest.mark.parametrize(("hours", "held"), [(23.9, []), (24, []), (24.01, ["screen.too_old"])])
def test_a_message_older_than_a_day_is_held(hours: float, held: list[str]) -> None:
    assert rules([turn(seconds_ago=hours * 3600)]) == held


def test_the_oldest_unanswered_message_counts() -> None:
    assert rules([turn(seconds_ago=25 * 3600), turn()]) == ["screen.too_old"]


def test_an_old_message_that_was_answered_does_not_count() -> None:
    assert rules([turn(seconds_ago=25 * 3600), turn()], unanswered=1) == []


@pytest.mark.parametrize(
    ("ages", "held"),
    [
        pytest.param([100, 90, 80, 70, 60], [], id="five-in-a-minute"),
        pytest.param([100, 90, 80, 70, 60, 50], ["screen.burst"], id="six-in-a-minute"),
        pytest.param([110, 98, 86, 74, 62, 50], ["screen.burst"], id="six-in-exactly-a-minute"),
        pytest.param([111, 98, 86, 74, 62, 50], [], id="six-in-a-minute-and-a-second"),
        pytest.param([400, 390, 380, 370, 360, 350, 10], ["screen.burst"], id="a-burst-and-then-one-more"),
    ],
)
def test_more_than_five_messages_in_a_minute_are_held(ages: list[int], held: list[str]) -> None:
    assert rules([turn(seconds_ago=age) for age in ages]) == held


def test_a_burst_that_began_with_answered_messages_counts() -> None:
    assert rules([turn(seconds_ago=age) for age in range(60, 0, -10)], unanswered=2) == ["screen.burst"]


SCREENING = "念のためうかがいます。妊娠の可能性はありますか?"


def answered(answer: str, question: str = SCREENING, author: Author = Author.PHARMACIST) -> list[str]:
    """Return what holds `answer` after `question`."""
    return rules([Turn(author, question, NOW - timedelta(seconds=90)), turn(answer)])


@pytest.mark.parametrize(
    "answer",
    [
        "はい", "はい。", "はい!", "はーい", "ハイ", "ﾊｲ", " はい\n", "はい🙏", "は\u200bい",
        "はい、そうです", "はいはい",
        "いいえ", "いいえ、ありません", "ないです", "ありません", "うん", "ええ", "たぶん", "そうかもしれません",
        "はい、飲んでいます",
    ],
)  # fmt: skip
def test_a_bare_answer_to_a_screening_question_is_held(answer: str) -> None:
    assert answered(answer) == ["screen.screening_answer"]


@pytest.mark.parametrize("answer", ["yes", "No.", "ＹＥＳ"])
def test_a_bare_english_answer_is_held_too(answer: str) -> None:
    assert "screen.screening_answer" in answered(answer)


def test_a_bare_answer_among_several_messages_is_held() -> None:
    question = Turn(Author.MACHINE, SCREENING, NOW - timedelta(seconds=90))

    assert rules([question, turn("はい"), turn("よろしくお願いします")]) == ["screen.screening_answer"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        pytest.param("お届け先は前回と同じでよろしいですか?", "はい", id="no-screening-question"),
        pytest.param("お薬は明日発送します。", "はい", id="no-question"),
        pytest.param(SCREENING, "はい、では前回と同じ住所に届けてください", id="no-bare-answer"),
        pytest.param(SCREENING, "荷物はいつ届きますか", id="another-matter"),
    ],
)
def test_other_questions_and_other_answers_pass(question: str, answer: str) -> None:
    assert answered(answer, question) == []


def test_a_very_long_chain_of_bare_words_takes_no_time_to_refuse() -> None:
    assert answered("ありますある" * 800 + "か") == []


@pytest.mark.parametrize(
    ("text", "share"),
    [
        pytest.param("荷物はいつ届きますか", 1.0, id="japanese"),
        pytest.param("ﾆﾓﾂﾊ ｲﾂ", 1.0, id="half-width-kana"),
        pytest.param("OK", 0.0, id="letters"),
        pytest.param("あa", 0.5, id="half"),
        pytest.param("あab", 1 / 3, id="a-third"),
        pytest.param("안녕하세요", 0.0, id="korean"),
        pytest.param("大阪府大阪市北区梅田一丁", 1.0, id="twelve-kanji"),
        pytest.param("我吃了药以后胸口非常难受怎么办", 0.0, id="chinese"),
        pytest.param("123!?🙏", 1.0, id="no-letter"),
        pytest.param("", 1.0, id="nothing"),
    ],
)
def test_the_share_of_japanese_counts_letters_alone(text: str, share: float) -> None:
    assert japanese_share(text) == pytest.approx(share)


@pytest.mark.parametrize(("text", "held"), [("あa", []), ("あab", ["screen.not_japanese"])])
def test_a_text_less_than_half_japanese_is_held(text: str, held: list[str]) -> None:
    assert rules([turn(text)]) == held


@pytest.mark.parametrize(
    ("patient", "rule"),
    [
        pytest.param(Patient("p", pregnancy="pregnant"), "profile.pregnancy", id="pregnant"),
        pytest.param(Patient("p", pregnancy="possible"), "profile.pregnancy", id="perhaps-pregnant"),
        pytest.param(Patient("p", birth_year=2011), "profile.age", id="fourteen-or-fifteen"),
        pytest.param(Patient("p", birth_year=1950), "profile.age", id="seventy-five-or-six"),
        pytest.param(Patient("p", conditions=("慢性腎臓病",)), "profile.condition_kidney", id="kidney"),
        pytest.param(Patient("p", conditions=("肝硬変",)), "profile.condition_liver", id="liver"),
        pytest.param(Patient("p", conditions=("心不全",)), "profile.condition_heart", id="heart"),
        pytest.param(Patient("p", medicines=("ワーファリン錠1mg",)), "profile.medicine_anticoagulant", id="medicine"),
    ],
)
def test_a_profile_that_needs_a_person_holds_every_message(patient: Patient, rule: str) -> None:
    assert rules([turn()], replace(STANDING, patient=patient)) == [rule]


@pytest.mark.parametrize(
    "patient",
    [
        pytest.param(Patient("p"), id="nothing-known"),
        pytest.param(Patient("p", pregnancy="none"), id="not-pregnant"),
        pytest.param(Patient("p", birth_year=2010), id="fifteen-or-sixteen"),
        pytest.param(Patient("p", birth_year=1951), id="seventy-four-or-five"),
        pytest.param(Patient("p", conditions=(), medicines=()), id="known-nothing"),
        pytest.param(Patient("p", conditions=("花粉症",), medicines=("ビタミンC",)), id="nothing-listed"),
    ],
)
def test_a_missing_fact_is_unknown_and_no_hit(patient: Patient) -> None:
    assert rules([turn()], replace(STANDING, patient=patient)) == []
