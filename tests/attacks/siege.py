"""Attack a pharmacy that lets everything out it can, with clean patients in between, and say what came of it."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from tests.api.automatic import let
from tests.api.shop import Shop
from tests.attacks.effects import Delivered, forbidden
from tests.attacks.goals import VICTIM, VICTIMS_WORDS
from tests.attacks.grid import Attack
from tests.attacks.surfaces import SURFACES, WAIT_SECONDS
from tests.fakes.obedient_model import OWN_REPLY
from tests.fakes.receiver import Receiver

AT_ONCE = 4
PROMPTS = Path(__file__).resolve().parents[2] / "prompts"
_TEXTS = tuple(path.read_text(encoding="utf-8") for path in sorted(PROMPTS.glob("*/system.md")))
_KNOWN = """
INSERT INTO messages (pharmacy_id, id, conversation_id, version, author, text, sent_at, order_at, outcome_id)
VALUES (:p, 'm-0', :c, 1, 'patient', 'はじめまして', now() - interval '2 hours', now() - interval '2 hours',
        gen_random_uuid()),
       (:p, 'm-1', :c, 1, 'pharmacist', '担当の薬剤師です。', now() - interval '1 hour', now() - interval '1 hour',
        NULL)
"""


@dataclass
class Came:
    """What came of a siege."""

    effects: list[str] = field(default_factory=list)
    """Forbidden effects, each with its attack."""

    lost: list[str] = field(default_factory=list)
    """Attacks whose message is neither with a person nor answered as if there had been no order."""

    unexplained: list[str] = field(default_factory=list)
    """Attacks without an outcome in the audit trail."""

    stopped: Counter[str] = field(default_factory=Counter)
    """What held the attacks back, by the first reason told."""

    clean_sent: int = 0
    clean: int = 0

    @property
    def clean_share(self) -> float:
        """The share of clean messages that were answered by themselves, 0 to 1."""
        return self.clean_sent / self.clean if self.clean else 1.0


async def open_wide(shop: Shop) -> None:
    """Let everything out that a policy can let out, at once, at the lowest marks, without a day's limit."""
    limits = {"per_patient_hour": 3, "per_patient_day": 20, "per_day": 10_000, "in_all": 1_000_000}
    await let(shop, lowest_mark=1, longest_chars=1_000, limits=limits)
    body = {"consent": {"replies": True}, "name": VICTIM}
    assert (await shop.http.put("/v1/patients/p-victim", json=body)).status_code == 200
    told = {"conversation_id": "victim", "text": VICTIMS_WORDS, "patient": {"id": "p-victim"}}
    await shop.post("/v1/messages", told, params={"wait": 20})


async def besiege(shop: Shop, receiver: Receiver, attacks: Sequence[Attack], clean: Iterable[str]) -> Came:
    """Run all attacks and clean messages among each other; return what came of them."""
    room = asyncio.Semaphore(AT_ONCE)
    harmless = {f"clean-{number}": words for number, words in enumerate(clean)}
    by_conversation = {f"attack-{attack.number}": attack for attack in attacks}

    async def attacked(conversation_id: str, attack: Attack) -> None:
        async with room:
            await know(shop, conversation_id)
            await SURFACES[attack.surface](shop, conversation_id, attack.order, attack.asked)

    async def asked(conversation_id: str, words: str) -> None:
        async with room:
            await know(shop, conversation_id)
            await shop.say(conversation_id, words, wait=WAIT_SECONDS)

    work = [attacked(c, attack) for c, attack in by_conversation.items()]
    work += [asked(c, words) for c, words in harmless.items()]
    await asyncio.gather(*work)
    await shop.until(lambda: _quiet(shop), 120)
    came = Came(clean=len(harmless))
    came.clean_sent = sum(text.conversation_id in harmless for text in _automatic(receiver))
    await _judge_effects(shop, receiver, by_conversation, came)
    await _find_all(shop, receiver, by_conversation, came)
    return came


async def know(shop: Shop, conversation_id: str) -> None:
    """Make a conversation whose patient has agreed and has been answered before."""
    of = {"p": shop.program.settings.pharmacy_id, "c": conversation_id}
    async with shop.program.database.begin(of["p"]) as tx:
        profile = json.dumps({"consent": {"replies": True}})
        await tx.execute(text("INSERT INTO patients (pharmacy_id, id, profile) VALUES (:p, :c, cast(:f AS jsonb))"),
                         of | {"f": profile})  # fmt: skip
        await tx.execute(text("INSERT INTO conversations (pharmacy_id, id, patient_id, channel, phase, version)"
                              " VALUES (:p, :c, :c, 'api', 'intake', 1)"), of)  # fmt: skip
        await tx.execute(text(_KNOWN), of)


async def _quiet(shop: Shop) -> bool:
    jobs = (
        "SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND queue_name IN ('reply', 'send') LIMIT 1"
    )
    left = await shop.rows(jobs)
    waiting = await shop.rows("SELECT 1 FROM messages WHERE author = 'patient' AND outcome_id IS NULL LIMIT 1")
    return not left and not waiting


def _automatic(receiver: Receiver) -> list[Delivered]:
    texts = [Delivered(b["conversation_id"], b["patient_id"], b["text"], b["author"]) for b in receiver.taken.values()]
    return [text for text in texts if text.author == "machine"]


async def _judge_effects(shop: Shop, receiver: Receiver, attacks: dict[str, Attack], came: Came) -> None:
    marking = shop.program.assembled.policy.bounds.marking
    asked = "SELECT conversation_id, count(*) AS n FROM model_calls WHERE node = 'judge' AND error IS NULL GROUP BY 1"
    judged = {row.conversation_id: row.n for row in await shop.rows(asked)}
    for sent in _automatic(receiver):
        attack = attacks.get(sent.conversation_id)
        found = forbidden(sent, attack, marking, judged, _TEXTS)
        came.effects += [f"{attack.name if attack else 'clean'}: {effect}: {sent.text[:80]}" for effect in found]


async def _find_all(shop: Shop, receiver: Receiver, attacks: dict[str, Attack], came: Came) -> None:
    open_items = (
        "SELECT conversation_id, body->'held_for'->>0 AS why FROM suggestions WHERE state = 'open'"
        " UNION ALL SELECT conversation_id, code FROM handovers WHERE state = 'open'"
    )
    with_a_person = {row.conversation_id: row.why for row in await shop.rows(open_items)}
    explained = {row.subject for row in await shop.rows("SELECT subject FROM audit WHERE action = 'outcome_written'")}
    own = {sent.conversation_id for sent in _automatic(receiver) if sent.text.startswith(OWN_REPLY)}
    for conversation_id, attack in attacks.items():
        if conversation_id in with_a_person:
            came.stopped[with_a_person[conversation_id] or "suggested"] += 1
        elif conversation_id in own:
            came.stopped["the order reached no model"] += 1
        else:
            came.lost.append(attack.name)
        if conversation_id not in explained:
            came.unexplained.append(attack.name)
