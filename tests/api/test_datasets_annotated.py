"""What people said in LangSmith of an answer becomes its label, beside what a pharmacist decided."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from distillation.datasets.building import NothingToLearn, Wanted, build
from pharmacy.storage import annotating, datasets
from tests.api.answers import GOOD
from tests.api.played import ASKED, Played, approved, as_new_pharmacy, asked, decided, edited
from tests.api.shop import Shop

GENERATOR = "generate_symptom_consultation"
BETTER = "お話をありがとうございます。手足の冷えがいつごろから続いているか、もう少しお聞かせください。"
OTHER = "冷えのほかに、気になるご症状はありますか。いつごろからか、お聞かせください。"
REVIEWED = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
async def own(shop: Shop) -> AsyncIterator[Shop]:
    """Return the shared program, called as a pharmacy of this test's own that has no other records."""
    async with as_new_pharmacy(shop) as new:
        yield new


async def annotate(shop: Shop, played: Played, node: str, corrected: Any, score: float | None = None) -> None:
    """Keep what a reviewer said of the conversation's only run; the later it is said, the newer it is."""
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        before = await annotating.labels_of(tx, pharmacy_id)
        (run,) = await shop.rows("SELECT id FROM runs WHERE conversation_id = :of", of=played.conversation_id)
        label = annotating.Label(
            uuid4(), run.id, played.conversation_id, node, node, corrected, score, None, "reviewer",
            REVIEWED + timedelta(minutes=len(before)),
        )  # fmt: skip
        assert (await annotating.keep(tx, pharmacy_id, [label])).added == 1


async def built(shop: Shop, node: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the manifest and the rows of a new version."""
    settings = shop.program.settings
    version = (await build(shop.program.database, settings, Wanted(node))).version
    async with shop.program.database.begin(settings.pharmacy_id) as tx:
        rows = await datasets.rows_of(tx, settings.pharmacy_id, version.version)
    return dict(version.manifest), [dict(row.row) for row in rows]


async def test_a_corrected_reply_stands_before_a_draft_that_was_only_let_pass(own: Shop) -> None:
    await annotate(own, await approved(own, ASKED[0]), GENERATOR, {"reply": BETTER})

    manifest, (row,) = await built(own, GENERATOR)

    assert (row["kind"], row["weak"], row["supervised"], row["preference"]) == ("annotated", False, True, True)
    assert (json.loads(row["target"])["reply"], json.loads(row["rejected"])["reply"]) == (BETTER, GOOD)
    assert manifest["annotations"] == {"annotation_stands_before_weak_decision": 1}


async def test_a_pharmacists_own_words_stand_before_a_corrected_reply(own: Shop) -> None:
    await annotate(own, await edited(own, ASKED[0], {"text": BETTER}), GENERATOR, {"reply": OTHER})

    manifest, (row,) = await built(own, GENERATOR)

    assert (row["kind"], json.loads(row["target"])["reply"]) == ("edited", BETTER)
    assert manifest["annotations"] == {"decision_stands_before_annotation": 1}


async def test_a_draft_that_nobody_decided_is_learnt_from_once_a_reviewer_has_put_it_right(own: Shop) -> None:
    await annotate(own, await asked(own, ASKED[0]), GENERATOR, BETTER)

    manifest, (row,) = await built(own, GENERATOR)

    assert (row["kind"], json.loads(row["target"])["reply"]) == ("annotated", BETTER)
    assert manifest["annotations"] == {"undecided_and_annotated": 1}
    assert manifest["left_out"] == {}


async def test_a_refusal_is_put_right_by_a_corrected_reply_but_not_by_praise_of_the_draft(own: Shop) -> None:
    for words, reply in ((ASKED[0], BETTER), (ASKED[1], GOOD)):
        refused = await asked(own, words)
        await decided(own, refused, "reject", {"reason": "medically_wrong"})
        await annotate(own, refused, GENERATOR, {"reply": reply})

    manifest, rows = await built(own, GENERATOR)

    told = {row["kind"]: row for row in rows}
    assert (json.loads(told["annotated"]["target"])["reply"], told["annotated"]["reason"]) == (
        BETTER,
        "medically_wrong",
    )
    assert told["refused"]["target"] is None
    assert manifest["annotations"] == {"decision_stands_before_annotation": 1, "refusal_put_right": 1}


async def test_category_and_phase_said_in_the_review_are_the_label(own: Shop) -> None:
    played = await approved(own, ASKED[0])
    await annotate(own, played, "classify", "follow_up")
    await annotate(own, played, "switch_phase", {"phase": "proposal"})

    _, (classified,) = await built(own, "classify")
    _, (moved,) = await built(own, "switch_phase")

    assert (classified["kind"], classified["category"], classified["weak"]) == ("annotated", "follow_up", False)
    assert json.loads(classified["target"])["category"] == "follow_up"
    assert json.loads(moved["target"])["phase"] == "proposal"


async def test_an_answer_called_right_is_weak_evidence_no_more(own: Shop) -> None:
    await annotate(own, await approved(own, ASKED[0]), "classify", None, 1.0)

    manifest, (row,) = await built(own, "classify")

    assert (row["kind"], row["weak"], json.loads(row["target"])["category"]) == (
        "annotated", False, "symptom_consultation",
    )  # fmt: skip
    assert manifest["annotations"] == {"weak_decision_confirmed": 1}


async def test_marks_that_a_reviewer_put_right_say_what_passes(own: Shop) -> None:
    await annotate(own, await approved(own, ASKED[0]), "judge", {"tone": 2})

    _, (row,) = await built(own, "judge")

    verdict = json.loads(row["target"])
    assert (verdict["tone"]["mark"], row["passes"]["tone"], row["passes"]["safety"]) == (2, False, True)


@pytest.mark.parametrize(("node", "corrected", "why"), [
    pytest.param("classify", "refunds", "annotation_not_in_flow", id="a-category-that-the-flow-does-not-know"),
    pytest.param("switch_phase", {"phase": "taking"}, "annotation_not_in_flow", id="a-phase-out-of-reach"),
    pytest.param("classify", {"note": "?"}, "annotation_unclear", id="nothing-that-names-a-category"),
    pytest.param("judge", {"tone": 9}, "annotation_unclear", id="a-mark-that-is-none"),
    pytest.param(GENERATOR, {"reply": "〔氏名1〕さま"}, "annotation_under_pseudonyms", id="pseudonym"),
])  # fmt: skip
async def test_what_cannot_be_read_leaves_the_decision_as_it_is(own: Shop, node: str, corrected: Any, why: str) -> None:
    await annotate(own, await approved(own, ASKED[0]), node, corrected)

    manifest, (row,) = await built(own, node)

    assert (row["kind"], row["weak"]) == ("approved", True)
    assert manifest["annotations"] == {why: 1}


async def test_of_several_reviews_the_newest_that_can_be_read_counts(own: Shop) -> None:
    played = await approved(own, ASKED[0])
    for corrected in ("follow_up", "product_usage", "refunds"):
        await annotate(own, played, "classify", corrected)

    _, (row,) = await built(own, "classify")

    assert json.loads(row["target"])["category"] == "product_usage"


async def test_a_corrected_reply_passes_the_same_gates_as_any_other(own: Shop) -> None:
    promise = "この薬を飲めば必ず治ります。医師の診察は必要ありません。"
    await annotate(own, await asked(own, ASKED[0]), GENERATOR, {"reply": promise})
    silent = await asked(own, ASKED[1], {"consent": {"replies": True, "training": False}})
    await annotate(own, silent, GENERATOR, {"reply": BETTER})

    with pytest.raises(NothingToLearn) as raised:
        await built(own, GENERATOR)

    assert raised.value.left_out == {"no_consent": 1, "output_gate": 1}
