"""Delivery to KAKARI_DELIVERY_URL: signed, repeated under one key, parked where it can never arrive."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from pharmacy.channels.delivery import Attempt, Channel, Parcel
from pharmacy.domain.unsent_for import Problem, UnsentFor
from pharmacy.settings import Settings
from pharmacy.storage import outbox
from pharmacy.storage.holding import locked
from pharmacy.storage.leaving import stop_sending
from pharmacy.storage.refusals import Stale
from server.worker.send import GOOD_SECONDS, backoff_seconds
from tests.api.automatic import known, let
from tests.api.shop import Shop, new_id, running
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver

RACES = 20


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver("a shared secret") as receiving:
        yield receiving
    assert receiving.problems == []


@pytest.fixture
async def delivering(own_settings: Settings, fake: OpenAIFake, receiver: Receiver) -> AsyncIterator[Shop]:
    given = {"delivery_url": receiver.url, "delivery_secret": SecretStr(receiver.secret)}
    async with running(own_settings.model_copy(update=given)) as open_shop:
        yield open_shop


async def _approved(shop: Shop) -> str:
    conversation_id = new_id()
    outcome = await shop.say(conversation_id, "提案へ進みたい相談です", patient={"id": "patient-7"})
    await shop.post(f"/v1/suggestions/{outcome['suggestion_id']}/approve", {"version": 1})
    return conversation_id


async def _settled(shop: Shop, conversation_id: str) -> dict:
    async def look() -> dict | None:
        shown = await shop.conversation(conversation_id)
        done = len(shown["messages"]) == 2 or any(text["state"] == "parked" for text in shown["unsent"])
        return shown if done else None

    return await shop.until(look, 20)


async def test_a_reply_is_posted_once_to_the_conversations_own_patient(delivering: Shop, receiver: Receiver) -> None:
    conversation_id = await _approved(delivering)

    shown = await _settled(delivering, conversation_id)

    (body,) = receiver.taken.values()
    assert (body["conversation_id"], body["patient_id"]) == (conversation_id, "patient-7")
    assert body["text"] == shown["messages"][1]["text"]
    assert shown["unsent"] == []


@pytest.mark.parametrize(
    ("statuses", "tries"),
    [
        pytest.param([500], 2, id="500-then-200"),
        pytest.param([429], 2, id="429-then-200"),
        pytest.param([409], 1, id="409-is-sent"),
    ],
)
async def test_a_failed_delivery_is_tried_again_under_the_same_key(
    delivering: Shop, receiver: Receiver, statuses: list[int], tries: int
) -> None:
    receiver.statuses += statuses

    shown = await _settled(delivering, await _approved(delivering))

    assert len(receiver.tried) == tries
    assert len(set(receiver.tried)) == 1
    assert [message["author"] for message in shown["messages"]] == ["patient", "pharmacist"]
    assert shown["phase"] == "proposal"


async def test_a_delivery_that_is_refused_for_good_is_parked_and_calls_a_person(
    delivering: Shop, receiver: Receiver
) -> None:
    receiver.statuses.append(400)

    shown = await _settled(delivering, await _approved(delivering))

    assert len(receiver.tried) == 1
    assert (shown["unsent"][0]["state"], shown["unsent"][0]["problem"]) == (
        "parked", "KAKARI_DELIVERY_URL answered 400",
    )  # fmt: skip
    assert shown["handover"]["reason"]["code"] == "not_sent"
    assert shown["phase"] == "intake"


async def test_a_refused_reply_to_an_emergency_calls_again_whoever_looked_after_it_and_whatever_called_before(
    delivering: Shop, receiver: Receiver
) -> None:
    receiver.statuses.append(400)
    await _settled(delivering, await _approved(delivering))
    conversation_id = new_id()
    case = await delivering.say(conversation_id, "緊急語です")
    receiver.statuses.append(400)

    await delivering.post(
        f"/v1/conversations/{conversation_id}/messages", {"text": "119にお電話ください。", "version": 1}
    )

    shown = await _settled(delivering, conversation_id)
    assert (shown["handover"]["id"], shown["handover"]["acknowledged_at"]) == (case["handover_id"], None)
    unsent = "SELECT conversation_id FROM alarms WHERE kind = 'not_sent' AND conversation_id = :c"
    assert len(await delivering.rows(unsent, c=conversation_id)) == 1
    later = "SELECT id FROM alarms WHERE kind = 'case' AND conversation_id = :c AND level > 0"
    assert await delivering.until(lambda: delivering.rows(later, c=conversation_id))


async def test_while_a_channel_asks_for_patience_nothing_is_lost_doubled_or_overtaken(
    delivering: Shop, receiver: Receiver
) -> None:
    conversation_id = new_id()
    await delivering.say(conversation_id, "ふつうの相談です")
    receiver.statuses += [429, 429]

    for words in ("一通目です。", "二通目です。", "三通目です。"):
        await delivering.post(f"/v1/conversations/{conversation_id}/messages", {"text": words, "version": 1})
    await delivering.until(lambda: _sent(delivering, conversation_id, 3), 20)

    assert [body["text"] for body in receiver.taken.values()] == ["一通目です。", "二通目です。", "三通目です。"]
    assert len(receiver.tried) == 5
    assert receiver.tried[0] == receiver.tried[1] == receiver.tried[2]


async def _sent(shop: Shop, conversation_id: str, count: int) -> bool:
    found = await shop.rows("SELECT id FROM outbox WHERE conversation_id = :c AND state = 'sent'", c=conversation_id)
    return len(found) == count


async def test_the_wait_that_a_channel_asks_for_is_kept(delivering: Shop, receiver: Receiver) -> None:
    receiver.statuses.append(429)
    receiver.retry_after = "1800"

    conversation_id = await _approved(delivering)
    (row,) = await delivering.until(lambda: _waiting(delivering, conversation_id))

    assert 1700 < row.seconds <= 1800
    assert len(receiver.tried) == 1


async def _waiting(shop: Shop, conversation_id: str) -> Any:
    return await shop.rows(
        "SELECT extract(epoch FROM not_before - now()) AS seconds, attempts FROM outbox "
        "WHERE conversation_id = :c AND problem IS NOT NULL AND not_before IS NOT NULL", c=conversation_id,
    )  # fmt: skip


async def test_a_text_whose_key_has_grown_old_is_parked_and_not_tried_again(
    delivering: Shop, receiver: Receiver, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    receiver.statuses.append(503)
    conversation_id = await _approved(delivering)
    await delivering.until(lambda: _waiting(delivering, conversation_id))

    owner.execute("UPDATE outbox SET created_at = now() - interval '23 hours 1 second'")
    shown = await _settled(delivering, conversation_id)

    assert len(receiver.tried) == 1
    assert shown["unsent"][0]["problem"] == "its retry key is older than 23 hours"
    assert shown["handover"]["reason"]["code"] == "not_sent"


@pytest.mark.parametrize(
    ("status", "sent", "parked"),
    [
        pytest.param(429, [], ["一通目です。", "二通目です。"], id="429-took-nothing"),
        pytest.param(503, ["一通目です。"], ["二通目です。"], id="503-may-have-taken-it"),
    ],
)
async def test_a_text_that_waited_is_not_sent_past_a_newer_message_unless_it_may_have_arrived(
    delivering: Shop, receiver: Receiver, status: int, sent: list[str], parked: list[str]
) -> None:
    conversation_id = new_id()
    await delivering.say(conversation_id, "ふつうの相談です")
    receiver.statuses += [status] * 2
    receiver.retry_after = "2"
    for words in ("一通目です。", "二通目です。"):
        await delivering.post(f"/v1/conversations/{conversation_id}/messages", {"text": words, "version": 1})
    await delivering.until(lambda: _waiting(delivering, conversation_id))
    receiver.statuses[1:] = []

    await delivering.say(conversation_id, "まだあります", wait=None)

    async def settled() -> Any:
        found = await delivering.rows("SELECT text, problem, state FROM outbox ORDER BY created_at")
        return found if all(row.state != "queued" for row in found) else None

    rows = await delivering.until(settled, 20)
    assert [row.text for row in rows if row.state == "parked"] == parked
    assert {row.problem for row in rows if row.state == "parked"} == {"newer_message"}
    assert [body["text"] for body in receiver.taken.values()] == sent


async def test_a_refused_connection_gives_the_attempt_back(
    own_settings: Settings, fake: OpenAIFake, receiver: Receiver
) -> None:
    given = {"delivery_url": "http://127.0.0.1:9/", "delivery_secret": SecretStr(receiver.secret)}
    async with running(own_settings.model_copy(update=given)) as shop:
        conversation_id = await _approved(shop)
        (row,) = await shop.until(lambda: _waiting(shop, conversation_id))

    assert row.attempts == 0


@dataclass
class Standing:
    """The api channel of a worker that stands still once, right before it sends."""

    inner: Channel
    meanwhile: Callable[[Parcel], Awaitable[None]]
    stood: int = 0

    async def deliver(self, parcel: Parcel) -> Attempt:
        """Let `meanwhile` happen before the first parcel leaves."""
        self.stood += 1
        if self.stood == 1:
            await self.meanwhile(parcel)
        return await self.inner.deliver(parcel)

    async def close(self) -> None:
        """Give the connections back."""
        await self.inner.close()


async def test_nothing_goes_out_that_was_stopped_while_the_worker_stood_still(
    delivering: Shop, receiver: Receiver
) -> None:
    await let(delivering)
    conversation_id = await known(delivering)
    before = len(receiver.tried)

    async def stop(parcel: Parcel) -> None:
        await delivering.http.put("/v1/policy/kill-switch", json={"on": True})
        await asyncio.sleep(GOOD_SECONDS + 0.1)

    standing = Standing(delivering.program.channels["api"], stop)
    delivering.program.channels["api"] = standing
    await delivering.say(conversation_id, "配送はいつですか")
    ended = "SELECT problem, attempts FROM outbox WHERE automatic AND state = 'cancelled'"
    (row,) = await delivering.until(lambda: delivering.rows(ended), 20)

    assert standing.stood == 1
    assert len(receiver.tried) == before
    assert (row.problem, row.attempts) == ("kill_switch", 0)


async def test_a_text_that_arrives_while_it_is_parked_is_on_record_as_sent(
    delivering: Shop, receiver: Receiver
) -> None:
    problems = []

    async def leave(parcel: Parcel) -> None:
        program = delivering.program
        async with program.database.begin(program.settings.pharmacy_id) as tx:
            await stop_sending(
                tx,
                program.jobs,
                program.settings.pharmacy_id,
                parcel.conversation_id,
                Problem(UnsentFor.PATIENT_LEFT, "left"),
            )
        problems.extend(await delivering.rows("SELECT state, problem FROM outbox"))

    delivering.program.channels["api"] = Standing(delivering.program.channels["api"], leave)
    conversation_id = await _approved(delivering)
    await delivering.until(lambda: _sent(delivering, conversation_id, 1), 20)

    shown = await delivering.conversation(conversation_id)
    assert [tuple(row) for row in problems] == [("parked", "left; it may have arrived")]
    assert [message["author"] for message in shown["messages"]] == ["patient", "pharmacist"]
    assert len(receiver.taken) == 1


async def test_a_text_taken_back_before_it_was_tried_is_never_sent(delivering: Shop, receiver: Receiver) -> None:
    conversation_id = new_id()
    await delivering.say(conversation_id, "ふつうの相談です")
    program = delivering.program
    of = program.settings.pharmacy_id
    async with program.database.begin(program.settings.pharmacy_id) as tx:
        conversation = await locked(tx, of, conversation_id)
        held = await outbox.queue(
            tx, program.jobs, conversation, outbox.Wording("待ってから送ります。"), "key:test", hold_seconds=2
        )

    async with program.database.begin(program.settings.pharmacy_id) as tx:
        await outbox.cancel(tx, of, held, "key:test")
    async with program.database.begin(program.settings.pharmacy_id) as tx:
        with pytest.raises(Stale, match="cancelled"):
            await outbox.cancel(tx, of, held, "key:test")
    await asyncio.sleep(2.5)

    assert receiver.tried == []
    assert (await delivering.conversation(conversation_id))["handover"]["reason"]["code"] == "not_sent"


async def test_a_held_text_goes_out_when_its_time_has_come_and_later_ones_go_before_it(
    delivering: Shop, receiver: Receiver
) -> None:
    conversation_id = new_id()
    await delivering.say(conversation_id, "ふつうの相談です")
    program = delivering.program
    async with program.database.begin(program.settings.pharmacy_id) as tx:
        conversation = await locked(tx, program.settings.pharmacy_id, conversation_id)
        await outbox.queue(
            tx, program.jobs, conversation, outbox.Wording("急ぎません。", author="machine"), "fixed_text",
            kind="fixed", automatic=True, hold_seconds=1,
        )  # fmt: skip
        await outbox.queue(
            tx, program.jobs, conversation, outbox.Wording("急ぎます。", author="machine"), "fixed_text",
            kind="fixed", urgent=True,
        )  # fmt: skip

    await delivering.until(lambda: _sent(delivering, conversation_id, 2))

    assert [body["text"] for body in receiver.taken.values()] == ["急ぎます。", "急ぎません。"]


async def test_of_two_pharmacists_at_once_the_first_wins_and_one_text_goes_out(
    delivering: Shop, receiver: Receiver, figure: Callable[..., None]
) -> None:
    async def race(number: int) -> list[int]:
        conversation_id = f"race-{number}"
        outcome = await delivering.say(conversation_id, "ふつうの相談です")
        path = f"/v1/suggestions/{outcome['suggestion_id']}"
        answers = await asyncio.gather(
            delivering.post(f"{path}/approve", {"version": 1}),
            delivering.post(f"{path}/edit", {"version": 1, "text": "ご連絡ありがとうございます。確認します。"}),
        )
        return sorted(answer.status_code for answer in answers)

    statuses = [await race(number) for number in range(RACES)]
    await delivering.until(lambda: _all_sent(delivering), 30)

    sent = sorted(body["conversation_id"] for body in receiver.taken.values())
    holds = statuses == [[200, 409]] * RACES and sent == sorted(f"race-{number}" for number in range(RACES))
    told = f"{len(sent)} sends"
    asked = "first 200, second 409, 1 send"
    figure("P2", f"{RACES} times two pharmacists decide at once", measured=told, asked=asked, holds=holds)


async def _all_sent(shop: Shop) -> bool:
    (row,) = await shop.rows("SELECT count(*) FILTER (WHERE state = 'sent') = count(*) AS all_sent FROM outbox")
    return bool(row.all_sent)


@pytest.mark.parametrize(
    ("attempts", "asked_for", "at_least", "at_most"),
    [
        pytest.param(1, None, 0.5, 1, id="first"),
        pytest.param(5, None, 8, 16, id="fifth"),
        pytest.param(40, None, 150, 300, id="never-longer-than-five-minutes"),
        pytest.param(1, 1200.0, 1200, 1200, id="what-the-channel-asks-for"),
        pytest.param(40, 1.0, 150, 300, id="never-sooner-than-our-own"),
    ],
)
def test_waiting_grows_and_is_spread(attempts: int, asked_for: float | None, at_least: float, at_most: float) -> None:
    waits = [backoff_seconds(attempts, asked_for) for _ in range(200)]

    assert at_least <= min(waits) <= max(waits) <= at_most
    assert asked_for == waits[0] or len(set(waits)) > 100
