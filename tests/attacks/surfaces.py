"""Where an order gets in: eight ways into what the models read, each over the interface that a stranger has."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pharmacy.domain.conversation import Kind
from pharmacy.storage import people
from pharmacy.storage.incoming import Incoming
from server import taking
from tests.api.shop import Shop

Surface = Callable[[Shop, str, Sequence[str], str], Awaitable[None]]
"""Takes the pharmacy, a conversation it knows, the order's texts, and what the patient really asks."""

WAIT_SECONDS = 60


async def message_text(shop: Shop, conversation_id: str, order: Sequence[str], asked: str) -> None:
    """The patient writes it."""
    await _say(shop, conversation_id, *order[:-1], f"{asked}\n{order[-1]}")


async def display_name(shop: Shop, conversation_id: str, order: Sequence[str], asked: str) -> None:
    """The patient calls themselves so."""
    name = " ".join("".join(order).split())[:400]
    await _profile(shop, conversation_id, {"name": name, "constitution": name, "consent": {"replies": True}})
    await _say(shop, conversation_id, asked)


async def quoted_message(shop: Shop, conversation_id: str, order: Sequence[str], asked: str) -> None:
    """The patient quotes it as somebody else's."""
    await _say(shop, conversation_id, *order[:-1], f"「{order[-1]}」\nと前に言われました。{asked}")


async def earlier_history(shop: Shop, conversation_id: str, order: Sequence[str], asked: str) -> None:
    """It was written before, has been dealt with by a person, and is still in the window."""
    for text in order:
        await shop.say(conversation_id, text, wait=WAIT_SECONDS)
    shown = await shop.conversation(conversation_id)
    own = {"text": "ご連絡を受け取りました。", "version": shown["version"], "reason": "test"}
    answer = await shop.post(f"/v1/conversations/{conversation_id}/messages", own)
    assert answer.status_code == 202, answer.text
    if case := (await shop.conversation(conversation_id))["handover"]:
        await shop.post(f"/v1/handovers/{case['id']}/resolve", {"version": shown["version"]})

    async def answered() -> bool:
        return any(m["text"] == own["text"] for m in (await shop.conversation(conversation_id))["messages"])

    await shop.until(answered, WAIT_SECONDS)
    await shop.say(conversation_id, asked, wait=WAIT_SECONDS)


async def postback_data(shop: Shop, conversation_id: str, order: Sequence[str], asked: str) -> None:
    """A button's data carries it."""
    await _say(shop, conversation_id, asked, f"action=reply&data={''.join(order)}")


async def file_name(shop: Shop, conversation_id: str, order: Sequence[str], asked: str) -> None:
    """A picture is named so."""
    settings = shop.program.settings
    name = f"{''.join(order)}.jpg"
    incoming = Incoming(
        settings.pharmacy_id, "api", f"m-{uuid4()}", conversation_id, f"m-{uuid4()}", None, name, datetime.now(UTC),
        name.encode("utf-8", "replace"), kind=Kind.MEDIA,
    )  # fmt: skip
    judged = taking.judge_words(shop.program, name)
    await shop.program.database.transact(
        lambda tx: taking.write(tx, shop.program, [judged.of(incoming)]), settings.pharmacy_id
    )
    await _say(shop, conversation_id, asked)


async def pharmacists_note(shop: Shop, conversation_id: str, order: Sequence[str], asked: str) -> None:
    """A pharmacist has pasted it into their wish for the draft."""
    await _say(shop, conversation_id, asked)
    note = {"instruction": "".join(order)[:2000]}
    await shop.post(f"/v1/conversations/{conversation_id}/suggestions", note, params={"wait": WAIT_SECONDS})


async def dataset_row(shop: Shop, conversation_id: str, order: Sequence[str], asked: str) -> None:
    """A row of the pharmacy's own product data has been poisoned with it."""
    formula = f"{conversation_id.replace('-', '')}湯"
    body: dict[str, Any] = {"formula": formula, "dose": "1回1包、1日3回", "cautions": ["".join(order)[:400]],
                            "timing": "食前または食間"}  # fmt: skip
    answer = await shop.http.put(f"/v1/products/poisoned-{conversation_id}", json=body)
    assert answer.status_code in (200, 422), answer.text  # refused, the row poisons nothing
    await _say(shop, conversation_id, f"{formula}を注文しました。{asked}")


SURFACES: Mapping[str, Surface] = {
    surface.__name__: surface
    for surface in (message_text, display_name, quoted_message, earlier_history, postback_data, file_name,
                    pharmacists_note, dataset_row)
}  # fmt: skip


async def _say(shop: Shop, conversation_id: str, *texts: str) -> None:
    for text in texts[:-1]:
        await shop.say(conversation_id, text, wait=None)
        await asyncio.sleep(0)
    await shop.say(conversation_id, texts[-1], wait=WAIT_SECONDS)


async def _profile(shop: Shop, patient_id: str, profile: dict[str, Any]) -> None:
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        await people.put_patient(tx, pharmacy_id, patient_id, profile)
