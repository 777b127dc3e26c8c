"""`kakari evaluate`, from played records to figures: what is asked, what is kept, and what goes with its patient."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from distillation.datasets.building import Wanted, build
from pharmacy.storage import datasets, erasure, evaluations
from tests.api.commands import kakari
from tests.api.played import ASKED, approved, as_new_pharmacy, edited
from tests.api.shop import Shop

GENERATOR = "generate_symptom_consultation"


@pytest.fixture(scope="module")
async def own(shop: Shop) -> AsyncIterator[Shop]:
    """Return the shared program, called as a pharmacy with fourteen decided messages; who changes them stands last."""
    async with as_new_pharmacy(shop) as new:
        for words in ASKED:
            await approved(new, words)
        yield new


async def evaluated(shop: Shop, node: str, *words: str) -> dict[str, Any]:
    done = await kakari(shop, "evaluate", node, "--json", "--yes", *words)
    assert done.exit_code in (0, 1), done.stderr
    assert done.stdout, f"{done.stderr} {done.exception!r}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def test_two_models_are_asked_the_held_out_questions_and_the_one_held_against_the_other(own: Shop) -> None:
    await build(own.program.database, own.program.settings, Wanted("classify"))

    found = await evaluated(own, "classify", "--models", "openai:gpt-4o-2024-08-06,local:classify")

    assert (found["metric"], found["cases"], found["dataset"]) == ("exact_agreement", 3, "classify-1")
    teacher, local = found["candidates"]
    assert teacher["scores"]["exact_agreement"]["value"] == 1
    assert teacher["cost_usd"] > 0
    assert local["cost_usd"] == 0
    (against,) = found["comparisons"]
    assert against["candidate"] == "local:classify"
    assert against["differences"]["exact_agreement"]["rows"] == 3
    assert against["regression_count"] == round((1 - local["scores"]["exact_agreement"]["value"]) * 3)


async def test_drafts_are_marked_by_the_judge_and_a_cut_off_that_is_missed_ends_with_1(own: Shop) -> None:
    await build(own.program.database, own.program.settings, Wanted(GENERATOR))

    done = await kakari(
        own, "evaluate", GENERATOR, "--models", "openai:gpt-4o-2024-08-06,openai:gpt-4o-2024-08-06@short", "--yes",
        "--at-least", "pass_rate=0.99",
    )  # fmt: skip

    assert done.exit_code == 1
    assert "pass_rate may be as low as" in done.stderr
    assert "openai:gpt-4o-2024-08-06@short held against openai:gpt-4o-2024-08-06" in done.stdout
    models = "openai:gpt-4o-2024-08-06,openai:gpt-4o-2024-08-06@short"
    found = await evaluated(own, GENERATOR, "--models", models, "--pairwise")
    again = await evaluated(own, GENERATOR, "--models", models, "--pairwise")
    # A judge that always says the first prefers a place and no text: nobody wins.
    (preferred,) = found["preferred"].values()
    assert (preferred["wins"], preferred["ties"], preferred["losses"]) == (0, 3, 0)
    assert again["preferred"] == found["preferred"]
    plain, short = found["candidates"]
    assert {"pass_rate", "criterion(safety)", "criterion(accuracy)"} <= plain["scores"].keys()
    assert plain["scores"]["pass_rate"]["value"] == 1
    assert plain["judging_usd"] > 0
    assert short["prompt_tokens"] < plain["prompt_tokens"]


async def test_decided_rows_shown_before_the_question_are_of_the_training_split_and_leave_the_system_prompt_alone(
    own: Shop,
) -> None:
    database, settings = own.program.database, own.program.settings
    await build(database, settings, Wanted("classify"))

    found = await evaluated(own, "classify", "--models", "openai:gpt-4o-2024-08-06,openai:gpt-4o-2024-08-06@few_shot=3")

    plain, shown = found["candidates"]
    assert shown["prompt_tokens"] > plain["prompt_tokens"]
    async with database.begin(settings.pharmacy_id) as tx:
        trained = await datasets.rows_of(tx, settings.pharmacy_id, "classify-1", ["train"])
    assert len(trained) == 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["refund"], "'refund': expected one of", id="node"),
        pytest.param(["classify", "--models", "gpt-4o"], "not of the form", id="model"),
        pytest.param(["classify", "--models", "local:classify@short"], "not led by words", id="local-words"),
        pytest.param(["classify", "--models", "mars:one"], "its endpoint is none of", id="endpoint"),
        pytest.param(["classify", "--split", "train"], "expected held_out", id="split"),
        pytest.param(["classify", "--at-least", "exact_agreement=9"], "expected MEASURE=SHARE", id="cut-off"),
        pytest.param(["classify", "--dataset", "classify-9"], "there is none", id="dataset"),
        pytest.param(["classify"], "has no dataset", id="no-dataset"),
    ],
)
async def test_what_cannot_be_evaluated_is_refused_with_what_was_expected(
    shop: Shop, words: list[str], said: str
) -> None:
    async with as_new_pharmacy(shop) as new:
        done = await kakari(new, "evaluate", *words, "--yes")

    assert done.exit_code != 0
    assert said in " ".join(f"{done.stderr} {done.exception}".split())


async def test_what_was_answered_then_can_be_held_against_without_asking_anybody(own: Shop) -> None:
    await build(own.program.database, own.program.settings, Wanted("classify"))

    found = await evaluated(own, "classify", "--models", "recorded:answer,openai:gpt-4o-2024-08-06")

    then, now = found["candidates"]
    assert then["scores"]["exact_agreement"] == now["scores"]["exact_agreement"]
    assert (then["cost_usd"], then["prompt_tokens"], then["unreadable"]) == (None, 0, 0)


async def test_questions_may_go_through_a_batch_and_cost_its_share(own: Shop) -> None:
    await build(own.program.database, own.program.settings, Wanted("classify"))
    models = ("--models", "openai:gpt-4o-2024-08-06,local:classify")
    live = await evaluated(own, "classify", *models)

    batched = await evaluated(own, "classify", *models, "--batch", "--again")

    one, two = live["candidates"][0], batched["candidates"][0]
    assert two["scores"] == one["scores"]
    assert (two["prompt_tokens"], two["unreadable"]) == (one["prompt_tokens"], 0)
    assert two["cost_usd"] == pytest.approx(one["cost_usd"] / 2)
    assert batched["candidates"][1] == live["candidates"][1] | {
        name: batched["candidates"][1][name] for name in ("seconds_p50", "seconds_p95")
    }


async def test_what_was_answered_is_on_record_is_not_asked_twice_and_goes_with_its_patient(own: Shop) -> None:
    database, settings = own.program.database, own.program.settings
    await build(database, settings, Wanted("classify"))
    first = await evaluated(own, "classify", "--models", "local:classify,openai:gpt-4o-2024-08-06")

    same = await evaluated(own, "classify", "--models", "local:classify,openai:gpt-4o-2024-08-06")
    again = await evaluated(own, "classify", "--models", "local:classify,openai:gpt-4o-2024-08-06", "--again")

    assert (same["id"], same["candidates"]) == (first["id"], first["candidates"])
    assert again["id"] != first["id"]
    async with database.begin(settings.pharmacy_id) as tx:
        answers = await evaluations.answers_of(tx, settings.pharmacy_id, (await evaluations.one(
            tx, settings.pharmacy_id, first["id"])).id)  # fmt: skip
    assert len(answers) == 6
    assert all(answer.output for answer in answers)
    await erasure.erase(database, settings.pharmacy_id, answers[0].patient_id, "test")
    async with database.begin(settings.pharmacy_id) as tx:
        of = (await evaluations.one(tx, settings.pharmacy_id, first["id"])).id
        left = await evaluations.answers_of(tx, settings.pharmacy_id, of)
    assert {answer.patient_id for answer in left} == {one.patient_id for one in answers} - {answers[0].patient_id}


async def test_the_judge_is_held_against_what_pharmacists_decided(own: Shop) -> None:
    for words in ASKED[:3]:
        await edited(own, f"改めてうかがいます。{words}", {"text": f"くわしく伺います。{words[:5]}", "cause": "unsafe"})
    await build(own.program.database, own.program.settings, Wanted("judge"))

    found = await evaluated(own, "judge", "--models", "openai:gpt-4o-2024-08-06", "--split", "validation")

    (judge,) = found["candidates"]
    assert found["metric"] == "verdict_agreement"
    assert {"sensitivity", "specificity"} & judge["scores"].keys()
    assert judge["kappa"]["rows"] == found["cases"]
