"""Students of generators: the replies that were sent are learnt, and given where a question is near enough."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from distillation.trainers.local_training import LocalTraining
from distillation.trainers.port import Job, Order, TrainerRefused
from distillation.trainers.training_file import read_training_file
from distillation.trainers.under_prompt import NodePrompt
from graph.assemble import assemble_from
from nodes.generate import WrittenReply
from pharmacy.domain.errors import ConfigError, NothingFits
from pharmacy.domain.model import ChatModel
from pharmacy.models.local.load import local_model
from pharmacy.settings import Settings
from tests.unit.distillation.trainers import reply_rows
from tests.unit.distillation.trainers.reply_rows import Case
from tests.unit.distillation.trainers.rows import order
from tests.unit.models.local.asked import KAKKONTO, NOBODY_ASKED, NOTHING_ON_RECORD, asked

CATEGORY = "product_usage"
NODE = f"generate_{CATEGORY}"
WHEN = "葛根湯は食前と食後どちらに飲めばいいですか"
OTHER = KAKKONTO.replace("食前又は食間", "就寝前")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a home of this test's own."""
    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="module")
async def usual() -> list[Case]:
    """Return the cases of the eight matters with the most wordings: what a pharmacy is asked most."""
    found = await reply_rows.cases(CATEGORY)
    most = [topic for topic, _ in Counter(case.topic for case in found).most_common(8)]
    return [case for case in found if case.topic in most]


async def _trained(settings: Settings, path: Path, cases: Sequence[Case], base: str = "local:nothing") -> Job:
    train = read_training_file(reply_rows.file_of(path, cases))
    return await LocalTraining(settings).start(_order(train.path, base), lambda _: None)


def _order(path: Path, base: str = "local:nothing") -> Order:
    return order(path, node=NODE, base=base, prompt_fingerprint=NodePrompt.of(NODE, Settings()).fingerprint)


async def _given(model: ChatModel, text: str, facts: str = f"{NOTHING_ON_RECORD}\n{KAKKONTO}", **more: object) -> str:
    blanks = asked(text, CATEGORY, "taking", facts, **more)  # type: ignore[arg-type]
    return (await model.answer(reply_rows.prompt(blanks, NODE), WrittenReply)).reply


async def _counted(model: ChatModel, cases: Sequence[Case]) -> Counter[str]:
    outcomes = Counter[str]()
    for case in cases:
        try:
            answer = await model.answer(reply_rows.prompt(case.blanks, NODE), WrittenReply)
        except NothingFits:
            outcomes["none"] += 1
        else:
            outcomes["as sent" if answer.reply == case.reply else "another"] += 1
    return outcomes


async def test_what_was_sent_is_given_to_questions_that_it_has_not_seen(
    settings: Settings, tmp_path: Path, usual: list[Case]
) -> None:
    held_out, rows = usual[: len(usual) // 3], usual[len(usual) // 3 :]

    few = await _trained(settings, tmp_path / "few.jsonl", rows[:15])
    most = await _trained(settings, tmp_path / "most.jsonl", rows)

    before, after = [
        await _counted(local_model(job.id, settings.students_folder), held_out) for job in (few, most)
    ]  # fmt: skip
    (event,) = await LocalTraining(settings).events(most.id, frozenset())
    print(f"{len(held_out)} questions not seen: after 15 rows {dict(before)}, after {len(rows)} {dict(after)}")
    print(event.said)
    assert before["as sent"] < after["as sent"]
    assert after["as sent"] / (after["as sent"] + after["another"]) >= 0.8
    assert f"of {len(rows)} rows learnt" in event.said


def _said_with(case: Case, before: str, reply: str) -> Case:
    turn = json.loads(case.blanks["conversation"].splitlines()[-1])
    said = json.dumps(turn | {"text": f"{before}{turn['text']}"}, ensure_ascii=False)
    return replace(case, blanks={**case.blanks, "conversation": said}, reply=reply)


def _shortened(reply: str) -> str:
    sentences = reply.split("。")
    return "。".join(sentences[:2]) + "。"


async def test_neither_a_sentence_of_anything_else_nor_a_shortened_reply_hides_what_was_asked(
    settings: Settings, tmp_path: Path, usual: list[Case]
) -> None:
    chance = random.Random(3)
    stray = [
        "春から利用しています。",
        "電車の中から失礼します。",
        "家の棚を整理しています。",
        "ふと気になりました。",
    ]
    said = [
        _said_with(case, chance.choice(stray), case.reply if chance.random() < 0.6 else _shortened(case.reply))
        for case in usual
    ]

    plain = await _trained(settings, tmp_path / "plain.jsonl", usual)
    strayed = await _trained(settings, tmp_path / "strayed.jsonl", said)

    models = [local_model(job.id, settings.students_folder) for job in (plain, strayed)]
    answered = [len(said) - (await _counted(model, said))["none"] for model in models]
    print(f"of {len(said)}: {answered[0]} learnt as they were asked, {answered[1]} with what people write around it")
    assert answered[1] >= 0.8 * answered[0] > 0


async def test_what_no_reply_was_learnt_for_is_not_answered(
    settings: Settings, tmp_path: Path, usual: list[Case]
) -> None:
    everything = await reply_rows.cases(CATEGORY)
    topics = {case.topic for case in usual}
    strange = [case for case in everything if case.topic not in topics]
    job = await _trained(settings, tmp_path / "rows.jsonl", usual)

    outcomes = await _counted(local_model(job.id, settings.students_folder), strange)

    print(f"{len(strange)} questions of matters that were not learnt: {dict(outcomes)}")
    assert outcomes["none"] >= 0.7 * len(strange)


async def test_the_same_rows_give_the_same_bytes(tmp_path: Path, usual: list[Case]) -> None:
    homes = [Settings(home=tmp_path / name) for name in ("one", "two")]

    jobs = [await _trained(home, tmp_path / "rows.jsonl", usual) for home in homes]

    first, second = [(home.students_folder / NODE / f"{jobs[0].id}.npz").read_bytes() for home in homes]
    assert first == second


async def test_the_next_patient_gets_their_own_facts(settings: Settings, tmp_path: Path, usual: list[Case]) -> None:
    job = await _trained(settings, tmp_path / "rows.jsonl", usual)
    model = local_model(job.id, settings.students_folder)

    first, other = await _given(model, WHEN), await _given(model, WHEN, f"{NOTHING_ON_RECORD}\n{OTHER}")

    assert "食前又は食間" in first
    assert "就寝前" in other
    assert "食前又は食間" not in other


async def test_a_fact_that_nobody_gave_is_told_of(settings: Settings, tmp_path: Path, usual: list[Case]) -> None:
    job = await _trained(settings, tmp_path / "rows.jsonl", usual)
    unknown = KAKKONTO.replace("食前又は食間", "不明")

    blanks = asked(WHEN, CATEGORY, "taking", f"{NOTHING_ON_RECORD}\n{unknown}")
    answer = await local_model(job.id, settings.students_folder).answer(reply_rows.prompt(blanks, NODE), WrittenReply)

    assert (answer.missing_facts, answer.reply) == (["葛根湯.timing"], "")


@pytest.mark.parametrize(
    ("text", "facts", "said"),
    [
        pytest.param("量子力学の入門書を探しています", KAKKONTO, "near enough", id="nothing-like-it"),
        pytest.param("妊娠中ですが葛根湯はいつ飲めばいいですか", KAKKONTO, "guards", id="a-guard"),
        pytest.param("はい", KAKKONTO, "too little", id="too-short"),
        pytest.param(WHEN, KAKKONTO.replace("葛根湯", "加味逍遙散"), "named", id="a-product-without-facts"),
    ],
)
async def test_without_a_question_near_enough_it_says_so(
    settings: Settings, tmp_path: Path, usual: list[Case], text: str, facts: str, said: str
) -> None:
    job = await _trained(settings, tmp_path / "rows.jsonl", usual)

    with pytest.raises(NothingFits, match=said):
        await _given(local_model(job.id, settings.students_folder), text, f"{NOTHING_ON_RECORD}\n{facts}")


async def test_beside_the_shipped_replies_these_answer_what_was_not_learnt(
    settings: Settings, tmp_path: Path, usual: list[Case]
) -> None:
    rows = [case for case in usual if case.topic != "missed_dose"]
    jobs = [
        await _trained(settings, tmp_path / "rows.jsonl", rows, base) for base in (f"local:{NODE}", "local:nothing")
    ]
    beside, alone = [local_model(job.id, settings.students_folder) for job in jobs]

    assert "飲み忘れ" in await _given(beside, "飲み忘れたときはどうしたらいいですか", NOBODY_ASKED)
    with pytest.raises(NothingFits):
        await _given(alone, "飲み忘れたときはどうしたらいいですか", NOBODY_ASKED)


async def test_too_few_rows_give_no_reply_and_say_so(settings: Settings, tmp_path: Path, usual: list[Case]) -> None:
    job = await _trained(settings, tmp_path / "rows.jsonl", usual[:12])

    (event,) = await LocalTraining(settings).events(job.id, frozenset())
    assert "no question is near enough" in event.said
    with pytest.raises(NothingFits, match="near enough"):
        await _given(local_model(job.id, settings.students_folder), WHEN)


async def test_what_is_left_out_is_counted_with_its_reason(
    settings: Settings, tmp_path: Path, usual: list[Case]
) -> None:
    named = Case("named", usual[0].blanks, "田中様、飲み方のご質問ですね。表示のとおりにお願いします。")
    train = reply_rows.file_of(tmp_path / "rows.jsonl", [named, *usual[:20]])
    told: list[str] = []

    await LocalTraining(settings).start(_order(train), told.append)

    assert "2 of 21 rows are left out: left_to_people 1, name 1" in told


async def test_rows_of_which_none_may_be_learnt_are_refused(settings: Settings, tmp_path: Path) -> None:
    guarded = Case("guarded", asked("急に胸が痛みます", CATEGORY), "すぐに119へご連絡ください。")
    train = reply_rows.file_of(tmp_path / "rows.jsonl", [guarded] * 10)

    with pytest.raises(TrainerRefused, match="none of 10 rows may be learnt: left_to_people 10"):
        await LocalTraining(settings).start(_order(train), lambda _: None)


async def test_an_answer_that_is_no_reply_is_refused_with_its_line(settings: Settings, tmp_path: Path) -> None:
    good = reply_rows.row(asked(WHEN, CATEGORY), {"missing_facts": [], "reply": "はい"}, NODE)
    bad = reply_rows.row(asked(WHEN, CATEGORY), {"category": "other"}, NODE)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*[good] * 9, bad]), encoding="utf-8")

    with pytest.raises(TrainerRefused, match=r"rows\.jsonl:10: the answer is no reply"):
        await LocalTraining(settings).start(_order(path), lambda _: None)


async def test_a_trained_student_serves_its_node_by_its_prompts_fingerprint(tmp_path: Path, usual: list[Case]) -> None:
    shipped = Settings()
    job = await _trained(Settings(home=tmp_path / "home"), tmp_path / "rows.jsonl", usual)
    fingerprint = NodePrompt.of(NODE, shipped).fingerprint
    file = tmp_path / "models.toml"
    words = shipped.models_file.read_text(encoding="utf-8")
    student = f'student = {{ model = "{job.model}", prompt_fingerprint = "{fingerprint}" }}\n'
    file.write_text(words.replace(f"[{NODE}]\n", f"[{NODE}]\n{student}"), encoding="utf-8")

    built = assemble_from(Settings(home=tmp_path / "home", models_file=file, models="local"))

    assert built.registry.student_of(NODE) == job.model
    await built.registry.aclose()


async def test_a_book_that_is_not_the_one_of_its_name_is_not_served(
    settings: Settings, tmp_path: Path, usual: list[Case]
) -> None:
    job = await _trained(settings, tmp_path / "rows.jsonl", usual[:30])
    path = settings.students_folder / NODE / f"{job.id}.npz"
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(ConfigError, match=r"cannot be read|expected the weights that the name tells of"):
        local_model(job.id, settings.students_folder)
