"""Delivery to KAKARI_DELIVERY_URL: signed, repeated under one key, parked where it can never arrive."""

from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from pharmacy.settings import Settings
from tests.api.shop import Shop, new_id, running
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver


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
