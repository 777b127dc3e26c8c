"""A shadow answer is kept once, and only while its patient, their words and their consent are there."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update

from pharmacy.domain.serving import Serving
from pharmacy.storage import erasure, people, servings, shadows
from pharmacy.storage.database import Database
from pharmacy.storage.shadows import Drawn, Question, ShadowAnswer
from pharmacy.storage.tables import conversations, shadow_answers

AGREES = {"consent": {"replies": True, "training": True}}
DRAWN = Drawn("classify", "openai:ft:small", 0.25, 7)
ASKED = Question(
    uuid4(), "classify", "c-1", "p-1", 3, {"transcript": "…"}, "3f9c1a77b0de", "{}", "openai:gpt-4o", is_last=True,
    replied=True, judged_by=None,
)  # fmt: skip
ANSWER = ShadowAnswer("{}", {"exact_agreement": 1.0}, {"label": "follow_up"}, cost_usd=0.001)


@pytest.fixture
async def known(database: Database) -> Database:
    """Return the database, with a patient who agrees to training and their conversation."""
    async with database.begin("sakura") as tx:
        await people.put_patient(tx, "sakura", "p-1", AGREES)
        of = {"pharmacy_id": "sakura", "id": "c-1", "patient_id": "p-1", "channel": "api", "version": 3}
        await tx.execute(insert(conversations).values(**of, phase="intake"))
    return database


async def _keep(database: Database, pharmacy_id: str = "sakura") -> bool:
    async with database.begin(pharmacy_id) as tx:
        return await shadows.keep(tx, pharmacy_id, ASKED, DRAWN, ANSWER)


async def _rows(database: Database) -> list[Any]:
    async with database.begin("sakura") as tx:
        return [*(await tx.execute(select(shadow_answers))).all()]


async def test_two_who_keep_the_same_answer_at_once_keep_it_once(known: Database) -> None:
    kept = await asyncio.gather(*(_keep(known) for _ in range(4)))

    (row,) = await _rows(known)
    assert sorted(kept) == [False, False, False, True]
    assert (row.serving_seq, row.share, row.scores, row.cost_usd) == (7, 0.25, {"exact_agreement": 1.0}, 0.001)


async def test_an_answer_to_words_that_were_taken_back_meanwhile_is_let_go(known: Database) -> None:
    async with known.begin("sakura") as tx:
        await tx.execute(update(conversations).values(withdrawn_version=4))

    assert await _keep(known) is False
    assert await _rows(known) == []


async def test_an_answer_to_a_patient_who_no_longer_agrees_is_let_go(known: Database) -> None:
    async with known.begin("sakura") as tx:
        await people.put_patient(tx, "sakura", "p-1", {"consent": {"replies": True, "training": False}})

    assert await _keep(known) is False
    assert await _rows(known) == []


async def test_an_answer_to_a_patient_who_was_erased_is_let_go(known: Database) -> None:
    await _keep(known)
    await erasure.erase(known, "sakura", "p-1", "test")

    assert await _keep(known) is False
    assert await _rows(known) == []


async def test_another_pharmacy_keeps_nothing_of_it(known: Database) -> None:
    assert await _keep(known, "momiji") is False


async def test_answers_count_from_a_decision_on(known: Database) -> None:
    await _keep(known)

    async with known.begin("sakura") as tx:
        counted = [await shadows.scored(tx, "sakura", "classify", DRAWN.student, seq) for seq in (7, 8)]
        others = await shadows.scored(tx, "sakura", "classify", "openai:ft:another", 0)

    assert [len(each) for each in counted] == [1, 0]
    assert others == []


async def test_every_decision_on_a_node_is_told_the_newest_first(database: Database) -> None:
    async with database.begin("sakura") as tx:
        for share in (0.05, 0.2):
            await servings.decide(tx, "sakura", "sato", "classify", Serving("canary", share), "")
        history = await servings.history(tx, "sakura", "classify")
        newest = (await servings.decided(tx, "sakura"))["classify"]

    assert [decided.serving.canary_share for decided in history] == [0.2, 0.05]
    assert history[0] == newest
    assert history[0].seq > history[1].seq > 0
