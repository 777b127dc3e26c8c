"""What a patient takes back is gone everywhere, whenever it was taken back; a patient who leaves is sent nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from distillation.datasets.building import Wanted, build
from pharmacy.domain.serving import Serving
from pharmacy.settings import Settings
from tests.api.answers import by_words
from tests.api.commands import kakari
from tests.api.line_shop import LineShop, line_running
from tests.api.shop import Shop
from tests.api.students import decide, student_of, with_students
from tests.fakes.line_server import LineFake, faults
from tests.fakes.line_server.events import event, message, new_message_id, new_user, now_ms, said
from tests.fakes.line_server.world import Content
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.faults import wire
from tests.fakes.openai_server.script import Asked

CANARY = "かなりや七三一"
JPEG = b"\xff\xd8\xff\xe0" + b"canary-picture" * 4


def _told(user: str, words: str, message_id: str) -> dict[str, Any]:
    return message(user, {"type": "text", "text": words, "id": message_id})


def _taken_back(user: str, message_id: str) -> dict[str, Any]:
    return event("unsend", user, unsend={"messageId": message_id})


async def copies(shop: Shop, canary: str) -> list[str]:
    """Return the tables of the store in which `canary` still stands, in text, JSON or bytes."""
    tables = await shop.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = []
    for (table,) in tables:
        columns = await shop.rows(
            "SELECT attname, atttypid::regtype::text AS kind FROM pg_attribute WHERE attrelid = CAST(:t AS regclass) "
            "AND attnum > 0 AND NOT attisdropped", t=table,
        )  # fmt: skip
        readable = [
            f"position(convert_to(:c, 'UTF8') in {name}) > 0"
            if kind == "bytea"
            else f"{name}::text LIKE '%' || :c || '%'"
            for name, kind in columns
        ]
        asked = f"SELECT 1 FROM {table} WHERE {' OR '.join(f'coalesce({each}, false)' for each in readable)} LIMIT 1"
        if await shop.rows(asked, c=canary):
            found.append(table)
    return found


async def test_a_question_taken_back_is_no_longer_remembered(line_shop: LineShop) -> None:
    user, message_id = new_user(), new_message_id()
    canary = "カナリヤ七三二"
    await kakari(line_shop.shop, "cache", "on")
    await line_shop.deliver(_told(user, f"配送の箱に{canary}は入りますか", message_id))
    await line_shop.until_shown(user, lambda now: now["suggestion"])
    await kakari(line_shop.shop, "cache", "off")
    before = await copies(line_shop.shop, canary)

    await line_shop.deliver(_taken_back(user, message_id))

    assert "reply_cache" in before
    assert await copies(line_shop.shop, canary) == []


async def test_a_message_taken_back_after_its_draft_is_gone_with_the_draft(line_shop: LineShop) -> None:
    user, message_id = new_user(), new_message_id()
    canary = f"{CANARY}の甲"
    await line_shop.deliver(_told(user, f"体調の相談です {canary}", message_id))
    before = await line_shop.until_shown(user, lambda now: now["suggestion"])
    assert await copies(line_shop.shop, canary)

    await line_shop.deliver(_taken_back(user, message_id))

    now = await line_shop.shown(user)
    refused = await line_shop.shop.post(f"/v1/suggestions/{before['suggestion']['id']}/approve", {"version": 1})
    assert (now["messages"][0]["text"], now["messages"][0]["kind"]) == ("", "unsent")
    assert (now["suggestion"], now["handover"]["reason"]["code"]) == (None, "unsent")
    assert refused.status_code == 409
    assert await copies(line_shop.shop, canary) == []


async def test_a_message_taken_back_is_in_no_dataset_any_more(line_shop: LineShop) -> None:
    user, message_id, shop = new_user(), new_message_id(), line_shop.shop
    canary = f"{CANARY}の癸"
    await line_shop.deliver(_told(user, f"体調の相談です {canary}", message_id))
    now = await line_shop.until_shown(user, lambda now: now["suggestion"])
    await shop.http.put(f"/v1/patients/{now['patient_id']}", json={"consent": {"training": True}})
    await shop.http.patch(f"/v1/conversations/{now['id']}", json={"category": "follow_up"})
    built = await build(shop.program.database, shop.program.settings, Wanted("classify"))
    assert "dataset_rows" in await copies(shop, canary)

    await line_shop.deliver(_taken_back(user, message_id))

    await line_shop.until_shown(user, lambda now: now["messages"][0]["kind"] == "unsent")
    lost = await shop.rows("SELECT rows FROM dataset_losses WHERE version = :of", of=built.version.version)
    assert await copies(shop, canary) == []
    assert [row.rows for row in lost] == [1]


async def test_a_message_taken_back_leaves_what_a_student_answered_beside_its_reply(
    own_settings: Settings, fake: OpenAIFake, tmp_path: Path
) -> None:
    fake.script.rule = _repeating
    user, message_id, student = new_user(), new_message_id(), f"openai:{student_of('classify')}"
    canary = f"{CANARY}の子"
    with LineFake() as line:
        async with line_running(with_students(own_settings, fake, tmp_path, "classify"), line) as own:
            await decide(own.shop, "classify", Serving("teacher", shadow_share=1.0, student=student))
            await own.deliver(_told(user, "体調の相談です", new_message_id()))
            now = await own.until_shown(user, lambda now: now["suggestion"])
            await own.shop.http.put(f"/v1/patients/{now['patient_id']}", json={"consent": {"training": True}})
            await own.deliver(_told(user, f"体調の相談です {canary}", message_id))
            await own.shop.until(lambda: _stands_in(own.shop, "shadow_answers", canary))

            await own.deliver(_taken_back(user, message_id))

            await own.until_shown(user, lambda now: now["messages"][-1]["kind"] == "unsent")
            left = await copies(own.shop, canary)
            (row,) = await own.shop.rows("SELECT output, said, scores FROM shadow_answers")

    assert left == []
    assert (row.output, row.said) == (None, {})
    assert row.scores["exact_agreement"] == 1.0


def _repeating(asked: Asked) -> Any:
    """Answer as all do, and give what was asked as the reason."""
    answer = by_words(asked)
    return answer | {"reason": asked.user} if asked.schema_name == "Classification" else answer


async def _stands_in(shop: Shop, table: str, canary: str) -> bool:
    return table in await copies(shop, canary)


async def test_an_emergency_taken_back_stays_an_emergency_without_its_words(line_shop: LineShop) -> None:
    user, message_id = new_user(), new_message_id()
    canary = f"{CANARY}の乙"
    await line_shop.deliver(_told(user, f"緊急語 {canary}", message_id))

    await line_shop.deliver(_taken_back(user, message_id))

    now = await line_shop.shown(user)
    assert now["tier"] == "E"
    assert await copies(line_shop.shop, canary) == []


async def test_a_withdrawal_that_comes_before_its_message_withdraws_it(line_shop: LineShop) -> None:
    user, message_id = new_user(), new_message_id()
    canary = f"{CANARY}の丙"
    await line_shop.deliver(_taken_back(user, message_id))

    await line_shop.deliver(_told(user, f"相談です {canary}", message_id))

    now = await line_shop.until_shown(user, lambda now: now["handover"])
    assert (now["messages"][0]["text"], now["messages"][0]["kind"]) == ("", "unsent")
    assert now["handover"]["reason"]["code"] == "unsent"
    assert await copies(line_shop.shop, canary) == []


async def test_a_redelivery_of_a_withdrawn_message_brings_nothing_back(line_shop: LineShop) -> None:
    user, message_id = new_user(), new_message_id()
    canary = f"{CANARY}の丁"
    told = _told(user, f"相談です {canary}", message_id)
    await line_shop.deliver(told)
    await line_shop.deliver(_taken_back(user, message_id))

    answer = await line_shop.deliver(told | {"deliveryContext": {"isRedelivery": True}})

    assert answer.status_code == 200
    assert len((await line_shop.shown(user))["messages"]) == 1
    assert await copies(line_shop.shop, canary) == []


async def test_a_run_in_work_writes_nothing_of_what_was_taken_back(own_settings: Settings, fake: OpenAIFake) -> None:
    user, message_id = new_user(), new_message_id()
    canary = f"{CANARY}の戊"
    with LineFake() as line:
        async with line_running(own_settings, line) as shop:
            fake.script.fail(wire.hang(), times=None)
            await shop.deliver(_told(user, f"体調の相談です {canary}", message_id))
            await shop.until_shown(user, lambda now: now["run"])

            await shop.deliver(_taken_back(user, message_id))

            await shop.until_shown(user, lambda now: now["run"] is None)
            assert (await shop.shown(user))["handover"]["reason"]["code"] == "unsent"
            await asyncio.sleep(0.2)
            assert await copies(shop.shop, canary) == []


async def test_a_picture_goes_with_its_message(line_shop: LineShop) -> None:
    user, message_id = new_user(), new_message_id()
    line_shop.line.world.contents[message_id] = Content(JPEG)
    await line_shop.deliver(message(user, {"type": "image", "id": message_id, "contentProvider": {"type": "line"}}))
    shown = await line_shop.until_shown(user, lambda now: now["messages"][0]["media"]["state"] == "stored")

    await line_shop.deliver(_taken_back(user, message_id))

    place = f"/v1/conversations/{shown['id']}/messages/{shown['messages'][0]['id']}/media"
    assert (await line_shop.shop.http.get(place)).status_code == 404
    assert await copies(line_shop.shop, "canary-picture") == []


async def test_what_was_said_before_and_after_stays(line_shop: LineShop) -> None:
    user, message_id = new_user(), new_message_id()
    await line_shop.deliver(said(user, "前です"), _told(user, "間違いです", message_id), said(user, "後です"))

    await line_shop.deliver(_taken_back(user, message_id))

    assert [each["text"] for each in (await line_shop.shown(user))["messages"]] == ["前です", "", "後です"]


@pytest.fixture
async def slow_line(own_settings: Settings) -> AsyncIterator[LineShop]:
    """Give a pharmacy whose LINE answers 500 to every push."""
    with LineFake() as line:
        line.faults.always = faults.status(500)
        async with line_running(own_settings, line) as open_shop:
            yield open_shop


async def test_what_waits_to_be_sent_is_cancelled_when_the_patient_leaves(slow_line: LineShop) -> None:
    user = new_user()
    await slow_line.deliver(said(user, "体調の相談です"))
    await slow_line.approved(user)
    await slow_line.until_shown(user, lambda now: now["unsent"] and now["unsent"][0]["attempts"])

    await slow_line.deliver(event("unfollow", user))
    slow_line.line.faults.always = None

    now = await slow_line.shown(user)
    await asyncio.sleep(3)
    assert (now["unsent"][0]["state"], now["handover"]["reason"]["code"]) == ("parked", "not_sent")
    assert "left" in now["unsent"][0]["problem"]
    assert slow_line.line.world.texts_to(user) == []


async def test_a_reply_written_after_the_patient_left_is_parked(line_shop: LineShop) -> None:
    user = new_user()
    await line_shop.deliver(said(user, "体調の相談です"), event("unfollow", user))

    await line_shop.approved(user)

    now = await line_shop.until_shown(user, lambda now: now["unsent"] and now["unsent"][0]["state"] == "parked")
    assert "left" in now["unsent"][0]["problem"]
    assert line_shop.line.world.texts_to(user) == []


async def test_an_old_unfollow_does_not_undo_a_newer_follow(line_shop: LineShop) -> None:
    user = new_user()
    left, back = event("unfollow", user, at=now_ms() - 5_000), event("follow", user)
    await line_shop.deliver(said(user, "体調の相談です"), back)

    await line_shop.deliver(left)

    await line_shop.approved(user)
    await line_shop.until_shown(user, lambda now: len(now["messages"]) == 2)
    assert len(line_shop.line.world.texts_to(user)) == 1


async def test_who_writes_again_is_answered_though_the_follow_was_lost(line_shop: LineShop) -> None:
    user = new_user()
    await line_shop.deliver(event("unfollow", user, at=now_ms() - 5_000))

    await line_shop.deliver(said(user, "体調の相談です"))

    await line_shop.approved(user)
    await line_shop.until_shown(user, lambda now: len(now["messages"]) == 2)
    assert len(line_shop.line.world.texts_to(user)) == 1


async def test_a_message_from_before_the_patient_left_brings_nobody_back(line_shop: LineShop) -> None:
    user = new_user()
    await line_shop.deliver(event("unfollow", user))

    await line_shop.deliver(said(user, "体調の相談です", at=now_ms() - 5_000))

    await line_shop.approved(user)
    await line_shop.until_shown(user, lambda now: now["unsent"] and now["unsent"][0]["state"] == "parked")
    assert line_shop.line.world.texts_to(user) == []


async def test_a_withdrawal_takes_the_words_of_events_that_could_not_be_read(line_shop: LineShop) -> None:
    user, message_id = new_user(), new_message_id()
    canary = f"{CANARY}の巳"
    await line_shop.deliver(_told(user, "相談です", message_id))
    await line_shop.deliver(_told(user, canary, new_message_id()) | {"timestamp": 10**19})
    assert await copies(line_shop.shop, canary) == ["line_events"]

    await line_shop.deliver(_taken_back(user, message_id))

    assert await copies(line_shop.shop, canary) == []


async def test_a_follow_alone_makes_no_conversation(line_shop: LineShop) -> None:
    user = new_user()

    answer = await line_shop.deliver(event("follow", user, follow={"isUnblocked": False}))

    shown = await line_shop.shop.http.get(f"/v1/conversations/{await line_shop.conversation_of(user)}")
    assert (answer.status_code, shown.status_code) == (200, 404)
