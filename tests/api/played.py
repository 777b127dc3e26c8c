"""Records to build datasets from: patients who write, and a pharmacist who decides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2

from pharmacy.domain.rights import EVERY_RIGHT
from pharmacy.storage import access
from tests.api.shop import Shop, new_id

ASKED = (
    "最近ずっと手足が冷えて夜も眠れません。体質から見直したいです。",
    "生理の前になるといらいらして家族に当たってしまいます。",
    "朝起きると肩と首がこわばって、頭まで重くなる日が続いています。",
    "食後に胃がもたれて、夕方になるとげっぷが多くなります。",
    "梅雨の時期に限って体がだるく、足がむくみます。",
    "のどに何かつかえた感じがして、気分も沈みがちです。",
    "おなかが張って便が三日に一度しか出ません。",
    "季節の変わり目に鼻水が止まらず、仕事に集中できません。",
    "夕方になると目が疲れて、かすんで見えることがあります。",
    "人前に出ると緊張して汗がたくさん出るのが悩みです。",
    "寝つきは良いのに夜中に二回ほど目が覚めてしまいます。",
    "階段を上るだけで息が切れて、疲れが次の日まで残ります。",
    "皮膚が乾燥して、冬になると背中がかゆくてたまりません。",
    "腰から下が重だるく、雨の前の日は特につらいです。",
)
"""Messages that no two are alike of."""

SHIPPING = (
    "注文した分の配送はいつごろになりますか。",
    "配送先を実家に変えたいのですが、まだ間に合うでしょうか。",
    "先週頼んだ荷物の配送状況がわからず困っています。",
)
AGREES = {"consent": {"replies": True, "training": True}}


@dataclass
class Played:
    """One conversation as it went."""

    conversation_id: str
    patient_id: str
    outcome: dict[str, Any]
    suggestion_id: str | None = field(default=None)


@asynccontextmanager
async def as_new_pharmacy(shop: Shop) -> AsyncIterator[Shop]:
    """Give the same running program, called as a pharmacy that has no records yet."""
    pharmacy_id = new_id("pharmacy")
    async with shop.program.database.begin(pharmacy_id) as tx:
        key = await access.create_key(tx, pharmacy_id, new_id("key"), "test", None, EVERY_RIGHT)
    settings = shop.program.settings.model_copy(update={"pharmacy_id": pharmacy_id})
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=shop.url, headers=headers, timeout=70) as http:
        yield replace(shop, http=http, program=replace(shop.program, settings=settings))


async def asked(shop: Shop, words: str, patient: dict[str, Any] | None = None, of: Played | None = None) -> Played:
    """Let a patient write, a new one unless it is `of` an earlier conversation, and wait for what it comes to."""
    conversation_id = of.conversation_id if of else new_id("d")
    patient_id = of.patient_id if of else new_id("p")
    profile = {"id": patient_id} | (AGREES if patient is None else patient)
    outcome = await shop.say(conversation_id, words, patient=profile)
    return Played(conversation_id, patient_id, outcome, outcome.get("suggestion_id"))


async def approved(shop: Shop, words: str, **more: Any) -> Played:
    """Let a patient write and a pharmacist send the draft as it is."""
    played = await asked(shop, words, **more)
    await decided(shop, played, "approve")
    return played


async def edited(shop: Shop, words: str, edit: dict[str, Any], **more: Any) -> Played:
    """Let a patient write and a pharmacist send other words."""
    played = await asked(shop, words, **more)
    await decided(shop, played, "edit", edit)
    return played


async def decided(shop: Shop, played: Played, decision: str, body: dict[str, Any] | None = None) -> None:
    """Decide on the draft, and wait until what is sent by it has reached the patient."""
    version = played.outcome["version"]
    answer = await shop.post(f"/v1/suggestions/{played.suggestion_id}/{decision}", {"version": version} | (body or {}))
    assert answer.status_code == 200, answer.text

    async def sent() -> bool:
        waiting = "SELECT 1 FROM outbox WHERE suggestion_id = :of AND state <> 'sent'"
        return not await shop.rows(waiting, of=played.suggestion_id)

    if decision in ("approve", "edit"):
        await shop.until(sent)
