"""Alarms: told at once, signed and by mail, without a patient's words; again and wider until somebody acknowledges."""

import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from pharmacy.settings import Settings
from pharmacy.storage.alarms import of_unsent
from pharmacy.storage.holding import locked
from server.worker.alarms import call_late_cases
from tests.api.answers import by_words
from tests.api.shop import Shop, new_id, running
from tests.fakes.mail_server import MailServer
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.script import Asked
from tests.fakes.receiver import Receiver

pytestmark = pytest.mark.timed

FIELDS = frozenset(
    {"alarm_id", "kind", "pharmacy_id", "conversation_id", "handover_id", "tier", "category", "level", "age_seconds",
     "link"}
)  # fmt: skip
PASSED = "UPDATE handovers SET alarm_due_at = now() - interval '1 second' WHERE conversation_id = :c"
WORDS = "緊急語です。名前は山田花子です"


@dataclass(frozen=True)
class Calling:
    """A pharmacy whose alarms can be heard."""

    shop: Shop
    first: Receiver
    wider: Receiver
    mail: MailServer

    async def heard(self, of: Receiver, conversation_id: str, level: int = 0) -> dict[str, Any]:
        """Return the alarm of a conversation as soon as it was posted."""

        async def look() -> Any:
            bodies = list(of.taken.values())
            return next((b for b in bodies if (b["conversation_id"], b["level"]) == (conversation_id, level)), None)

        return await self.shop.until(look)

    async def mailed(self, handover_id: str, level: int = 0) -> tuple[tuple[str, ...], str]:
        """Return recipients and text of the mail about a case as soon as it arrived."""

        async def look() -> Any:
            taken = [(to, str(mail)) for to, mail in self.mail.taken]
            return next((m for m in taken if handover_id in m[1] and f"level: {level}" in m[1]), None)

        return await self.shop.until(look)

    async def let_pass(self, conversation_id: str) -> None:
        """Let the time pass in which somebody should have acknowledged."""
        async with self.shop.program.database.begin(self.shop.program.settings.pharmacy_id) as tx:
            await tx.execute(text(PASSED), {"c": conversation_id})


@pytest.fixture
def ears() -> Iterator[tuple[Receiver, Receiver, MailServer]]:
    with Receiver("s1", fields=FIELDS) as first, Receiver("s1", fields=FIELDS) as wider, MailServer() as mail:
        yield first, wider, mail
    assert (first.problems, wider.problems) == ([], [])


@pytest.fixture
async def calling(own_settings: Settings, ears: tuple[Receiver, Receiver, MailServer]) -> AsyncIterator[Calling]:
    first, wider, mail = ears
    given = {
        "alarm_url": first.url, "alarm_secret": SecretStr("s1"), "alarm_escalation_url": wider.url,
        "smtp_url": SecretStr(mail.url), "alarm_mail_from": "kakari@pharmacy.example",
        "alarm_mail_to": "duty@pharmacy.example", "alarm_escalation_mail_to": "lead@pharmacy.example, two@x.example",
        "console_url": "https://console.example",
    }  # fmt: skip
    async with running(own_settings.model_copy(update=given)) as shop:
        yield Calling(shop, first, wider, mail)


async def test_an_emergency_is_told_at_once_by_post_and_mail_and_never_in_the_patients_words(calling: Calling) -> None:
    began = time.monotonic()
    case = await calling.shop.say("c", WORDS, patient={"id": "p", "name": "山田花子"})

    posted = await calling.heard(calling.first, "c")
    to, mail = await calling.mailed(case["handover_id"])
    seconds = time.monotonic() - began

    assert (posted["tier"], posted["level"], posted["handover_id"]) == ("E", 0, case["handover_id"])
    assert posted["category"] == "word"
    assert posted["link"] == "https://console.example/"
    assert to == ("duty@pharmacy.example",)
    assert calling.wider.taken == {}
    assert seconds <= 5
    for told in (str(posted), mail):
        assert "山田" not in told
        assert "緊急" not in told


async def test_emergencies_are_listed_and_told_while_every_provider_hangs(
    calling: Calling, fake: OpenAIFake, figure: Callable[..., None]
) -> None:
    released, seconds = threading.Event(), []
    fake.script.rule = lambda asked: by_words(asked) if released.wait(60) else None
    try:
        await calling.shop.say("c", "ふつうの相談です", wait=None)
        await calling.shop.until(lambda: calling.shop.rows("SELECT id FROM runs WHERE state = 'running'"))
        for number in range(20):
            began = time.monotonic()
            await calling.shop.say(f"d{number}", "緊急語です")
            told = await calling.heard(calling.first, f"d{number}")
            seconds.append(time.monotonic() - began)
            assert told["tier"] == "E"
        waiting = not (await calling.shop.conversation("c"))["messages"][0]["answered"]
    finally:
        released.set()

    listed = (await calling.shop.http.get("/v1/handovers", params={"tier": "E"})).json()["items"]
    holds = max(seconds) <= 5 and len(listed) == 20 and waiting
    slowest = f"{max(seconds):.2f} s, the slowest of 20"
    what = "emergency stored, listed, and its alarm posted, every model hung"
    figure("P8", what, measured=slowest, asked="5 s", holds=holds)


async def test_an_emergency_that_only_the_classifier_finds_raises_the_same_alarm(
    calling: Calling, fake: OpenAIFake, caplog: pytest.LogCaptureFixture
) -> None:
    def finds(asked: Asked) -> Any:
        answer = by_words(asked)
        return answer | {"safety": "emergency"} if asked.schema_name == "Classification" else answer

    fake.script.rule = finds

    outcome = await calling.shop.say("c", "ふつうの相談です")
    posted = await calling.heard(calling.first, "c")

    assert outcome["reason"]["tier"] == posted["tier"] == "E"
    lines = [record.message for record in caplog.records if record.message.startswith("emergency_handed_over")]
    assert lines == ["emergency_handed_over conversation=c version=1"]


async def test_a_tier_without_hurry_raises_no_alarm(calling: Calling) -> None:
    await calling.shop.say("c", "人手語です")
    await calling.shop.say("d", "専任の相談です")

    assert await calling.shop.rows("SELECT id FROM alarms") == []


async def test_what_failed_is_told_again_and_what_was_told_is_not(calling: Calling) -> None:
    calling.first.statuses += [503]
    calling.mail.replies += ["451 try again later"]

    case = await calling.shop.say("c", "緊急語です")
    await calling.heard(calling.first, "c")
    await calling.mailed(case["handover_id"])

    await calling.shop.until(lambda: calling.shop.rows("SELECT id FROM alarms WHERE state = 'told'"))
    assert len(set(calling.first.tried)) == 1
    assert len(calling.mail.taken) == 1


async def test_a_dead_wider_address_does_not_repeat_the_alarm_to_the_first(calling: Calling) -> None:
    await calling.shop.say("c", "緊急語です")
    await calling.heard(calling.first, "c")
    calling.wider.statuses += [503]

    await calling.let_pass("c")

    told = await calling.heard(calling.wider, "c", 1)
    assert calling.first.tried.count(told["alarm_id"]) == 1
    assert calling.wider.tried.count(told["alarm_id"]) == 2


async def test_a_refused_recipient_is_written_to_again_and_no_other(calling: Calling) -> None:
    await calling.shop.say("c", "緊急語です")
    await calling.heard(calling.first, "c")
    await calling.shop.until(lambda: calling.shop.rows("SELECT id FROM alarms WHERE state = 'told'"))
    calling.mail.taken.clear()
    calling.mail.unknown["lead@pharmacy.example"] = 1

    await calling.let_pass("c")
    await calling.shop.until(lambda: calling.shop.rows("SELECT id FROM alarms WHERE state = 'told' AND level = 1"))

    assert [to for to, _ in calling.mail.taken] == [
        ("duty@pharmacy.example", "two@x.example"), ("lead@pharmacy.example",),
    ]  # fmt: skip


async def test_an_emergency_that_nobody_acknowledges_calls_again_and_wider(calling: Calling) -> None:
    case = await calling.shop.say("c", "緊急語です")
    await calling.heard(calling.first, "c")
    (before,) = await calling.shop.rows(
        "SELECT extract(epoch FROM alarm_due_at - alarmed_at) AS waits FROM handovers WHERE conversation_id = 'c'"
    )

    await calling.let_pass("c")

    assert (await calling.heard(calling.wider, "c", 1))["tier"] == "E"
    assert (await calling.heard(calling.first, "c", 1))["category"] == "word"
    to, mail = await calling.mailed(case["handover_id"], 1)
    assert set(to) == {"duty@pharmacy.example", "lead@pharmacy.example", "two@x.example"}
    assert "reminder 1" in mail
    assert before.waits == 120
    (after,) = await calling.shop.rows("SELECT alarm_level, alarm_due_at > now() AS ahead FROM handovers")
    assert (after.alarm_level, after.ahead) == (1, True)


async def test_an_urgent_case_calls_again_past_its_business_hours(calling: Calling) -> None:
    await calling.shop.say("c", "至急語です")
    assert (await calling.heard(calling.first, "c"))["tier"] == "U"
    (row,) = await calling.shop.rows("SELECT alarmed_at, alarm_due_at FROM handovers WHERE conversation_id = 'c'")

    await calling.let_pass("c")

    assert (await calling.heard(calling.wider, "c", 1))["tier"] == "U"
    assert row.alarm_due_at == calling.shop.program.bell.texts.hours.urgent_until(row.alarmed_at)


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda shop, case: shop.post(f"/v1/handovers/{case}/acknowledge"), id="acknowledged"),
        pytest.param(lambda shop, case: shop.post("/v1/conversations/c/claim"), id="claimed"),
        pytest.param(lambda shop, case: shop.post("/v1/conversations/c/take-over"), id="taken-over"),
        pytest.param(
            lambda shop, case: shop.post("/v1/conversations/c/messages", {"text": "お電話します。", "version": 1}),
            id="answered",
        ),
        pytest.param(lambda shop, case: shop.post(f"/v1/handovers/{case}/resolve", {"version": 1}), id="resolved"),
    ],
)
async def test_a_case_that_somebody_looks_after_calls_nobody_else(calling: Calling, act: Any) -> None:
    case = await calling.shop.say("c", "緊急語です")
    await calling.heard(calling.first, "c")

    answer = await act(calling.shop, case["handover_id"])
    await calling.let_pass("c")
    await call_late_cases(calling.shop.program)

    assert answer.status_code in (200, 202), answer.text
    assert [row.level for row in await calling.shop.rows("SELECT level FROM alarms")] == [0]
    shown = (await calling.shop.http.get(f"/v1/handovers/{case['handover_id']}")).json()
    assert shown["acknowledged_by"].startswith("key:")


async def test_an_emergency_that_joins_an_acknowledged_case_calls_anew(calling: Calling) -> None:
    case = await calling.shop.say("c", "緊急語です")
    await calling.shop.post(f"/v1/handovers/{case['handover_id']}/acknowledge")

    await calling.shop.say("c", "緊急語です。まだです")

    shown = (await calling.shop.http.get(f"/v1/handovers/{case['handover_id']}")).json()
    assert shown["acknowledged_by"] is None
    assert len(await calling.shop.rows("SELECT id FROM alarms")) == 2


async def test_an_urgent_reason_that_joins_an_acknowledged_case_calls_anew_and_is_due_again(calling: Calling) -> None:
    case = await calling.shop.say("c", "至急語です")
    await calling.shop.post(f"/v1/handovers/{case['handover_id']}/acknowledge")

    await calling.shop.say("c", "至急語です。悪くなりました")

    (row,) = await calling.shop.rows("SELECT acknowledged_at, alarm_due_at, alarm_level FROM handovers")
    assert (row.acknowledged_at, row.alarm_level) == (None, 0)
    assert row.alarm_due_at is not None
    assert len(await calling.shop.rows("SELECT id FROM alarms")) == 2


async def test_a_case_that_cannot_be_called_again_does_not_silence_the_others(
    calling: Calling, owner: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    for conversation_id in ("c", "d"):
        await calling.shop.say(conversation_id, "緊急語です")
    owner.execute("ALTER TABLE alarms ADD CONSTRAINT not_c CHECK (conversation_id <> 'c' OR level = 0)")
    await calling.let_pass("c")
    await calling.let_pass("d")

    assert (await calling.heard(calling.wider, "d", 1))["level"] == 1
    assert "watch_failed pharmacy=default" in caplog.text


async def test_a_case_is_not_acknowledged_under_an_older_version_than_it_has(shop: Shop) -> None:
    conversation_id = new_id()
    case = await shop.say(conversation_id, "緊急語です")
    await shop.say(conversation_id, "緊急語です。まだです")

    old = await shop.post(f"/v1/handovers/{case['handover_id']}/acknowledge", {"version": 1})
    now = await shop.post(f"/v1/handovers/{case['handover_id']}/acknowledge", {"version": 2})
    again = await shop.post(f"/v1/handovers/{case['handover_id']}/acknowledge")

    assert (old.status_code, [m["text"] for m in old.json()["newer_messages"]]) == (409, ["緊急語です。まだです"])
    assert (now.status_code, again.status_code) == (200, 200)
    assert again.json()["acknowledged_at"] == now.json()["acknowledged_at"]


async def test_a_foreign_case_is_acknowledged_like_one_that_does_not_exist(shop: Shop) -> None:
    case = await shop.say(new_id(), "緊急語です")

    foreign = await shop.foreign.post(f"/v1/handovers/{case['handover_id']}/acknowledge")
    unknown = await shop.http.post(f"/v1/handovers/{uuid4()}/acknowledge")

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert (await shop.http.get(f"/v1/handovers/{case['handover_id']}")).json()["acknowledged_by"] is None


async def test_texts_that_a_channel_refuses_raise_one_alarm_an_hour(calling: Calling) -> None:
    await calling.shop.say("c", "ふつうの相談です")

    for _ in range(3):
        async with calling.shop.program.database.begin(calling.shop.program.settings.pharmacy_id) as tx:
            conversation = await locked(tx, calling.shop.program.settings.pharmacy_id, "c")
            await of_unsent(tx, calling.shop.program.jobs, conversation)

    posted = await calling.heard(calling.first, "c")
    assert (posted["kind"], posted["tier"]) == ("not_sent", None)
    assert len(await calling.shop.rows("SELECT id FROM alarms")) == 1


async def test_without_any_way_out_the_start_and_each_alarm_say_so(
    own_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(own_settings) as shop:
        await shop.say("c", "緊急語です")
        await shop.until(lambda: shop.rows("SELECT id FROM alarms WHERE problem LIKE '%nobody%'"))
        (row,) = await shop.rows("SELECT state FROM alarms")
        await shop.rows("UPDATE alarms SET created_at = now() - interval '2 minutes' RETURNING id")
        metrics = (await shop.http.get("/metrics")).text

    messages = [record.message for record in caplog.records]
    assert any("no alarm leaves the house" in message for message in messages)
    assert "alarm_reaches_nobody tier=E category=word" in messages
    assert row.state == "queued"
    assert re.search(r"^kakari_alarms_undelivered(\{[^}]*\})? 1\.0$", metrics, re.MULTILINE)
