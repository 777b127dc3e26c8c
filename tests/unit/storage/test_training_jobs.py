"""What was trained is kept state by state, and nothing of it is written anew."""

from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from pharmacy.storage import training_jobs
from pharmacy.storage.database import Database
from pharmacy.storage.tables import audit
from pharmacy.storage.tables import training_jobs as table
from pharmacy.storage.training_jobs import TrainingRecord

BEGUN = TrainingRecord(
    key="k1", node="classify", trainer="openai", base="openai:gpt-4o-mini-2024-07-18",
    prompt_fingerprint="3f9c1a77b0de", rows_hash="ab" * 32, state="creating", body={"seed": 1},
)  # fmt: skip


async def _noted(database: Database, *records: TrainingRecord) -> list[bool]:
    noted = []
    for record in records:
        async with database.begin("sakura") as tx:
            noted.append(await training_jobs.note(tx, "sakura", "test", record))
    return noted


async def test_the_newest_state_of_a_job_holds_and_earlier_ones_stay(database: Database) -> None:
    running = replace(BEGUN, job_id="ftjob-1", state="running")
    done = replace(running, state="succeeded", model="openai:ft:x", body={"seed": 1, "trained_tokens": 5})

    noted = await _noted(database, BEGUN, running, running, done)

    async with database.begin("sakura") as tx:
        found = await training_jobs.of_job(tx, "sakura", "ftjob-1")
        states = list((await tx.execute(select(table.c.state).order_by(table.c.seq))).scalars())
        actions = list((await tx.execute(select(audit.c.action).order_by(audit.c.seq))).scalars())
    assert noted == [True, True, False, True]
    assert found is not None
    assert (found.state, found.model, found.body["trained_tokens"]) == ("succeeded", "openai:ft:x", 5)
    assert states == ["creating", "running", "succeeded"]
    assert actions == ["training_creating", "training_running", "training_succeeded"]


async def test_each_order_is_listed_once_the_one_heard_of_last_first(database: Database) -> None:
    await _noted(database, BEGUN, replace(BEGUN, key="k2"), replace(BEGUN, job_id="ftjob-1", state="waiting"))

    async with database.begin("sakura") as tx:
        found = await training_jobs.all_jobs(tx, "sakura")

    assert [(record.key, record.state) for record in found] == [("k1", "waiting"), ("k2", "creating")]


async def test_another_pharmacy_sees_no_job(database: Database) -> None:
    await _noted(database, BEGUN)

    async with database.begin("momiji") as tx:
        assert await training_jobs.all_jobs(tx, "momiji") == []
        assert await training_jobs.of_key(tx, "sakura", "k1") is None


@pytest.mark.parametrize(
    "change", [update(table).values(model="openai:other"), delete(table)], ids=["update", "delete"]
)
async def test_nobody_rewrites_what_a_student_was_made_from(database: Database, change: object) -> None:
    await _noted(database, BEGUN)

    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.begin("sakura") as tx:
            await tx.execute(change)  # type: ignore[call-overload]
