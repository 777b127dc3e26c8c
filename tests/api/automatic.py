"""A pharmacy that sends by itself: its policy, patients it has answered before, and what became of a reply."""

from typing import Any

from tests.api.shop import Shop, new_id

EVERYTHING = {
    category: dict.fromkeys(("intake", "proposal", "purchase", "taking"), "auto")
    for category in ("symptom_consultation", "product_usage", "order_delivery", "follow_up")
}
CONSENT = {"consent": {"replies": True}}


async def shipped_policy(shop: Shop) -> dict[str, Any]:
    """Return the policy as it runs now."""
    return (await shop.http.get("/v1/policy")).json()


async def let(shop: Shop, **changes: Any) -> int:
    """Let everything out that a machine may answer, at once, unless `changes` say otherwise; return the version."""
    now = await shipped_policy(shop)
    policy = now["policy"] | {"hold_seconds": 0, "modes": EVERYTHING} | changes
    body = {"version": now["version"], "reason": "a test", "policy": policy}
    answer = await shop.http.put("/v1/policy", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["version"]


async def known(shop: Shop, patient: dict[str, Any] | None = None) -> str:
    """Return a conversation whose patient has agreed, and has been answered by a pharmacist before."""
    conversation_id = new_id()
    body = {"conversation_id": conversation_id, "text": "はじめまして", "patient": CONSENT | (patient or {})}
    first = (await shop.post("/v1/messages", body, params={"wait": 20})).json()
    if first["outcome"] == "suggestion":
        # Other words than the draft's: no reply says the same as the one before it.
        body = {"version": 1, "text": "担当の薬剤師です。よろしくお願いします。"}
        await shop.post(f"/v1/suggestions/{first['suggestion_id']}/edit", body)
    else:
        await shop.post(f"/v1/conversations/{conversation_id}/messages", {"text": "こんにちは。", "version": 1})
        await shop.post(f"/v1/handovers/{first['handover_id']}/resolve", {"version": 1})
    await replies(shop, conversation_id, 1)
    return conversation_id


async def replies(shop: Shop, conversation_id: str, count: int) -> list[dict[str, Any]]:
    """Return the conversation's messages that no patient wrote, as soon as there are `count`."""

    async def look() -> list[dict[str, Any]] | None:
        messages = (await shop.conversation(conversation_id))["messages"]
        sent = [message for message in messages if message["author"] != "patient"]
        return sent if len(sent) >= count else None

    return await shop.until(look)


async def waiting(shop: Shop, conversation_id: str) -> dict[str, Any]:
    """Return the one text of the conversation that was not sent."""
    (text,) = (await shop.conversation(conversation_id))["unsent"]
    return text
