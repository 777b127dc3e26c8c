"""The annotation queue in the store: one person at a time, for a time; what a patient takes back is in it no more."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from pharmacy.domain.annotation import AnnotationRule
from pharmacy.domain.rights import EVERY_RIGHT
from pharmacy.storage import annotating, annotation_queue, erasure
from pharmacy.storage.access import Caller
from pharmacy.storage.annotating import Label
from pharmacy.storage.refusals import Conflict
from server.annotating import Said, label
from tests.api.line_shop import LineShop
from tests.api.played import as_new_pharmacy, asked, decided
from tests.api.shop import Shop
from tests.api.test_line_withdrawals import copies
from tests.fakes.line_server.events import event, message, new_message_id, new_user

WORDS = "最近ずっと手足が冷えて夜も眠れません。体質から見直したいです。"
RULE = AnnotationRule(margin_under=0, sample_share=0.0)


async def test_two_who_ask_at_once_are_given_two_runs_and_a_third_gets_none(shop: Shop) -> None:
    async with as_new_pharmacy(shop) as new:
        for number in range(2):
            await decided(new, await asked(new, f"{WORDS}{number}"), "reject", {"reason": "tone"})
        await _fill(new)

        given = await asyncio.gather(_next(new, "session:a"), _next(new, "session:b"))
        third = await _next(new, "session:c")

    assert None not in given
    assert (len({*given}), third) == (2, None)


async def test_a_lease_that_is_over_lets_another_have_the_run_and_the_first_is_refused(shop: Shop) -> None:
    async with as_new_pharmacy(shop) as new:
        await decided(new, await asked(new, WORDS), "reject", {"reason": "tone"})
        await _fill(new)
        run_id = await _next(new, "session:a")
        assert run_id is not None
        assert await _next(new, "session:b") is None
        await new.rows("UPDATE annotation_items SET reserved_until = now() - interval '1 second' RETURNING 1")

        assert await _next(new, "session:b") == run_id
        with pytest.raises(Conflict, match="session:b has it"):
            await label(new.program, _caller(new, "session:a"), run_id, Said("follow_up"))
        kept = await label(new.program, _caller(new, "session:b"), run_id, Said("follow_up", "intake"))

        with pytest.raises(Conflict, match="session:b is done with it"):
            await label(new.program, _caller(new, "session:a"), run_id, Said("follow_up"))
        assert (kept, await _next(new, "session:a")) == (2, None)


async def test_what_was_said_of_a_run_goes_with_its_patient(shop: Shop) -> None:
    async with as_new_pharmacy(shop) as new:
        played = await asked(new, WORDS)
        await decided(new, played, "reject", {"reason": "tone"})
        await _fill(new)
        run_id = await _next(new, "session:a")
        assert run_id is not None
        await label(new.program, _caller(new, "session:a"), run_id, Said(reply="よい返信"))

        erased = await erasure.erase(new.program.database, new.program.settings.pharmacy_id, played.patient_id, "test")

    assert erased.rows["annotation_items"] == 1
    assert erased.rows["annotation_labels"] >= 1


async def test_a_message_taken_back_leaves_the_queue_and_what_was_said_of_it(line_shop: LineShop) -> None:
    user, message_id, shop = new_user(), new_message_id(), line_shop.shop
    canary = f"かなりや四四二{uuid4().hex[:6]}"
    await line_shop.deliver(message(user, {"type": "text", "text": f"体調の相談です {canary}", "id": message_id}))
    now = await line_shop.until_shown(user, lambda now: now["suggestion"])
    run_id = UUID((await shop.suggestion(now["suggestion"]["id"]))["run_id"])
    pharmacy_id = shop.program.settings.pharmacy_id
    node, better = "generate_symptom_consultation", f"承知しました {canary}"
    said = Label(
        uuid4(), run_id, now["id"], node, "generate", better, None, None, "session:a", datetime.now(UTC), "own"
    )
    async with shop.program.database.begin(pharmacy_id) as tx:
        await annotating.note_put(tx, pharmacy_id, now["id"], run_id, ["sample"])
        await annotating.keep(tx, pharmacy_id, [said])
    assert "annotation_labels" in await copies(shop, canary)

    await line_shop.deliver(event("unsend", user, unsend={"messageId": message_id}))

    await line_shop.until_shown(user, lambda now: now["messages"][0]["kind"] == "unsent")
    (item,) = await shop.rows("SELECT done_by FROM annotation_items WHERE run_id = :r", r=run_id)
    assert await copies(shop, canary) == []
    assert item.done_by == "the patient withdrew a message"


async def _fill(shop: Shop) -> None:
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        await annotation_queue.fill(tx, pharmacy_id, RULE)


async def _next(shop: Shop, actor: str) -> Any:
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        return await annotation_queue.next_of(tx, pharmacy_id, actor)


def _caller(shop: Shop, actor: str) -> Caller:
    return Caller(shop.program.settings.pharmacy_id, actor, EVERY_RIGHT)
