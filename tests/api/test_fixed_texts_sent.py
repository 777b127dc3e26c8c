"""Fixed texts: the words for an emergency at once, one word of receipt per case, and none that nobody let go."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from tests.api.answers import by_words
from tests.api.shop import Shop, new_id, running
from tests.fakes.approved_texts import approved, hours
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver


@asynccontextmanager
async def _speaking(settings: Settings, folder: Path, *, is_open: bool = True, **more: Any) -> AsyncIterator[Shop]:
    given = {
        "emergency_text": "on", "handover_text": "on", "fixed_texts_file": approved(folder),
        "business_hours_file": hours(folder, always_open=is_open),
    }  # fmt: skip
    async with running(settings.model_copy(update=given | more)) as shop:
        yield shop


async def _fixed(shop: Shop, conversation_id: str, count: int) -> list[dict[str, Any]]:
    async def look() -> Any:
        shown = await shop.conversation(conversation_id)
        found = [message for message in shown["messages"] if message["kind"] == "fixed"]
        return found if len(found) >= count else None

    return await shop.until(look)


async def test_as_shipped_no_word_goes_out_by_itself(shop: Shop) -> None:
    conversation_id = new_id()

    await shop.say(conversation_id, "緊急語です")
    await shop.say(conversation_id, "専任の相談です")

    assert await shop.rows("SELECT id FROM outbox WHERE conversation_id = :c", c=conversation_id) == []


async def test_the_words_for_an_emergency_go_out_while_every_provider_hangs(
    own_settings: Settings, fake: OpenAIFake, tmp_path: Path
) -> None:
    released = threading.Event()
    fake.script.rule = lambda asked: by_words(asked) if released.wait(30) else None
    async with _speaking(own_settings, tmp_path) as shop:
        try:
            await shop.say("c", "ふつうの相談です", wait=None)
            await shop.until(lambda: shop.rows("SELECT id FROM runs WHERE state = 'running'"))
            await shop.say("d", "緊急語です")
            # A newer message does not hold them up: they answer none.
            await shop.say("d", "緊急語です。まだです", wait=None)

            (message,) = await _fixed(shop, "d", 1)
        finally:
            released.set()

    assert message["author"] == "machine"
    assert "119番に電話" in message["text"]


async def test_each_emergency_text_goes_out_once_per_case(own_settings: Settings, tmp_path: Path) -> None:
    async with _speaking(own_settings, tmp_path) as shop:
        for words in ("緊急語です", "緊急語です。まだです"):
            case = await shop.say("c", words)
        await _fixed(shop, "c", 1)
        await shop.post(f"/v1/handovers/{case['handover_id']}/resolve", {"version": 2})
        await shop.say("c", "緊急語です。また始まりました")

        found = await _fixed(shop, "c", 2)

    assert len(found) == 2


async def test_a_case_gets_one_word_of_receipt_and_an_emergency_in_it_its_own_words(
    own_settings: Settings, tmp_path: Path
) -> None:
    async with _speaking(own_settings, tmp_path) as shop:
        await shop.say("c", "専任の相談です")
        await shop.say("c", "人手語です")
        await _fixed(shop, "c", 1)
        await shop.say("c", "緊急語です")

        said = [message["text"] for message in await _fixed(shop, "c", 2)]

    assert len(said) == 2
    assert "ご連絡を受け取りました" in said[0]
    assert "119番に電話してください" in said[1]


async def test_out_of_hours_the_patient_reads_when_it_opens(own_settings: Settings, tmp_path: Path) -> None:
    async with _speaking(own_settings, tmp_path, is_open=False) as shop:
        await shop.say("c", "専任の相談です")

        (message,) = await _fixed(shop, "c", 1)

    assert "営業時間外" in message["text"]
    assert re.search(r"(20|9)時から", message["text"])


async def test_a_text_without_hurry_is_not_sent_once_a_person_has_answered(
    own_settings: Settings, tmp_path: Path
) -> None:
    async with _speaking(own_settings, tmp_path) as shop:
        await shop.post("/v1/messages", {"conversation_id": "c", "text": "ふつうの相談です"}, params={"wait": 20})
        await shop.post("/v1/conversations/c/take-over")
        await shop.say("c", "人手語です")
        await shop.post("/v1/conversations/c/messages", {"text": "お電話します。", "version": 2})
        await shop.until(lambda: shop.rows("SELECT id FROM messages WHERE author = 'pharmacist'"))

        assert await shop.rows("SELECT id FROM messages WHERE kind = 'fixed'") == []


async def test_a_message_of_yesterday_alarms_and_is_not_answered_by_itself(
    own_settings: Settings, tmp_path: Path
) -> None:
    yesterday = (datetime.now(UTC) - timedelta(hours=26)).isoformat()
    async with _speaking(own_settings, tmp_path) as shop:
        await shop.say("c", "緊急語です", sent_at=yesterday)
        await shop.say("d", "専任の相談です", sent_at=yesterday)

        assert len(await shop.rows("SELECT id FROM alarms")) == 1
        assert await shop.rows("SELECT id FROM outbox") == []


async def test_a_fixed_text_does_not_make_a_patient_known(own_settings: Settings, tmp_path: Path) -> None:
    async with _speaking(own_settings, tmp_path) as shop:
        case = await shop.say("c", "人手語です")
        await _fixed(shop, "c", 1)
        await shop.post(f"/v1/handovers/{case['handover_id']}/resolve")

        outcome = await shop.say("c", "ふつうの相談です")

        shown = await shop.suggestion(outcome["suggestion_id"])
    assert "first_contact" in shown["held_for"]


async def test_a_fixed_text_does_not_hide_the_question_that_a_bare_answer_belongs_to(
    own_settings: Settings, tmp_path: Path
) -> None:
    async with _speaking(own_settings, tmp_path) as shop:
        await shop.say("c", "ふつうの相談です")
        await shop.post("/v1/conversations/c/messages", {"text": "妊娠の可能性はありますか?", "version": 1})
        await shop.until(lambda: shop.rows("SELECT id FROM messages WHERE author = 'pharmacist'"))
        case = await shop.say("c", "人手語です")
        await _fixed(shop, "c", 1)
        await shop.post(f"/v1/handovers/{case['handover_id']}/resolve", {"version": 2})

        outcome = await shop.say("c", "はい")

    assert outcome["reason"]["code"] == "screening_answer"


async def test_the_kill_switch_stops_words_of_receipt_and_not_those_for_an_emergency(
    own_settings: Settings, tmp_path: Path
) -> None:
    async with _speaking(own_settings, tmp_path) as shop:
        answer = await shop.http.put("/v1/policy/kill-switch", json={"on": True, "reason": "test"})
        await shop.say("c", "専任の相談です")
        await shop.say("d", "緊急語です")
        await _fixed(shop, "d", 1)
        (row,) = await shop.until(lambda: shop.rows("SELECT problem FROM outbox WHERE state = 'cancelled'"))

    assert answer.status_code == 200, answer.text
    assert row.problem == "kill_switch"


@asynccontextmanager
async def _waiting(settings: Settings, folder: Path, words: str, *, is_open: bool = True) -> AsyncIterator[Shop]:
    """Give a pharmacy whose receiver takes nothing yet, with the fixed text of `words` waiting for it."""
    with Receiver("a shared secret", statuses=[429], retry_after="3") as receiver:
        given = {"delivery_url": receiver.url, "delivery_secret": SecretStr(receiver.secret)}
        async with _speaking(settings, folder, is_open=is_open, **given) as shop:
            await shop.say("c", words)
            await shop.until(lambda: shop.rows("SELECT id FROM outbox WHERE problem IS NOT NULL"))
            yield shop
        assert receiver.taken == {}


async def _let_go(shop: Shop) -> str:
    ended = "SELECT problem FROM outbox WHERE state = 'cancelled'"
    (row,) = await shop.until(lambda: shop.rows(ended), 20)
    return str(row.problem)


async def test_the_words_for_an_emergency_are_let_go_after_half_an_hour_and_somebody_is_alarmed(
    own_settings: Settings, tmp_path: Path
) -> None:
    async with _waiting(own_settings, tmp_path, "緊急語です") as shop:
        await shop.rows("UPDATE outbox SET created_at = now() - interval '31 minutes' RETURNING id")

        assert "older than 30 minutes" in await _let_go(shop)
        assert await shop.rows("SELECT id FROM alarms WHERE kind = 'not_sent'")


async def test_a_fixed_text_whose_case_is_closed_is_let_go(own_settings: Settings, tmp_path: Path) -> None:
    async with _waiting(own_settings, tmp_path, "専任の相談です") as shop:
        (case,) = await shop.rows("SELECT id FROM handovers")
        answer = await shop.post(f"/v1/handovers/{case.id}/resolve", {"version": 1})

        assert answer.status_code == 200, answer.text
        assert await _let_go(shop) == "its case is closed"
        assert await shop.rows("SELECT id FROM alarms WHERE kind = 'not_sent'") == []


async def test_the_words_for_closed_hours_are_let_go_once_it_has_opened(own_settings: Settings, tmp_path: Path) -> None:
    async with _waiting(own_settings, tmp_path, "専任の相談です", is_open=False) as shop:
        await shop.rows("UPDATE outbox SET created_at = now() - interval '22 hours 30 minutes' RETURNING id")

        assert "opening time" in await _let_go(shop)


async def test_a_pharmacy_that_lets_an_unapproved_text_go_does_not_start(own_settings: Settings) -> None:
    with pytest.raises(ConfigError, match="approved_by"):
        async with running(own_settings.model_copy(update={"emergency_text": "on"})):
            await asyncio.sleep(0)
