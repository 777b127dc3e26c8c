"""A reply that goes out by itself: whether it still may, when it is queued and right before it is sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.conversation import Author
from pharmacy.domain.falling_short import falls_short
from pharmacy.domain.gates.hit import GateHit
from pharmacy.domain.held_for import Against, HeldFor, Reached
from pharmacy.domain.outcome import Outcome, OutcomeKind
from pharmacy.domain.policy import InForce, Mode, Policy
from pharmacy.domain.policy_file import PolicyFile
from pharmacy.storage import audit, names, outcomes, policy
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.outbox_queue import REPLY_ID, Wording, queue, text_hash
from pharmacy.storage.tables import conversations, handovers, outbox, patients

JUDGE = "judge"


@dataclass(frozen=True)
class Automatic:
    """What queueing an automatic reply needs."""

    jobs: Jobs
    file: PolicyFile


@dataclass(frozen=True)
class Ran:
    """What the store itself knows of the run that proposes an automatic reply."""

    began_at: datetime
    requested: bool
    hits: Sequence[GateHit]
    """What the gates found when the messages were taken."""


async def settle(
    tx: AsyncConnection, file: PolicyFile, conversation: Any, covered: outcomes.Covered, outcome: Outcome, ran: Ran
) -> tuple[Outcome, InForce]:
    """Return `outcome` if it may still go out by itself, else the same draft as a suggestion with why it waits.

    The flow has said the same from what it read when it began; here it is held against the store as it is now.
    """
    now = await policy.in_force(tx, covered.pharmacy_id, file)
    against = [
        *_against_run(outcome, covered, ran, now),
        *_against_conversation(conversation, ran.began_at),
        *await _against_standing(tx, conversation, outcome.category, outcome.phase, now),
    ]
    reached = [*falls_short(outcome.drafts[-1], now, against)] if outcome.drafts else []
    if not against:
        against = await _against_words(tx, conversation, outcome.drafts[-1].text)
    if not against and now.policy is not None:
        # Counted one after the other, so that two at once cannot both be the last one under a limit.
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended('automatic:' || :p, 0))")
        await tx.execute(lock, {"p": covered.pharmacy_id})
        reached = await over_limits(tx, conversation, now.policy, now.version)
        against = [each.code for each in reached]
    return (as_suggestion(outcome, against, reached), now) if against else (outcome, now)


async def send(
    tx: AsyncConnection, jobs: Jobs, conversation: Any, covered: outcomes.Covered, outcome: Outcome, now: InForce
) -> None:
    """Queue the reply, held as long as the policy says, and write the outcome of the messages it answers."""
    suggestion_id, said, hold = uuid4(), outcome.reply or "", now.policy.hold_seconds if now.policy else 0
    wording = Wording(said, outcome.category, outcome.phase, suggestion_id, author=Author.MACHINE.value)
    outbox_id = await queue(
        tx, jobs, conversation, wording, f"policy:{now.version}",
        automatic=True, policy_version=now.version, hold_seconds=hold,
    )  # fmt: skip
    await outcomes.write_automatic(tx, covered, outcome, suggestion_id, f"{REPLY_ID}{outbox_id}")
    told = {"outbox_id": str(outbox_id), "suggestion_id": str(suggestion_id), "policy_version": now.version,
            "version": covered.version, "hold_seconds": hold, "text_hash": text_hash(said)}  # fmt: skip
    await audit.append(tx, covered.pharmacy_id, "flow", "automatic_queued", covered.conversation_id, told)


def may_still_go(file: PolicyFile) -> Any:
    """Return what the outbox asks of an automatic row before each attempt to send it."""

    async def ask(tx: AsyncConnection, row: Any) -> Against | None:
        now = await policy.in_force(tx, row.pharmacy_id, file)
        if row.kind != "reply":  # words that were approved beforehand: the switch stops these too, and nothing else
            return Against(HeldFor.KILL_SWITCH) if now.stopped else None
        where = (conversations.c.pharmacy_id == row.pharmacy_id, conversations.c.id == row.conversation_id)
        conversation = (await tx.execute(select(conversations).where(*where))).one()
        if row.policy_version != now.version:
            other = Reached(HeldFor.POLICY_CHANGED, now.version, row.policy_version)
            return Against(HeldFor.POLICY_CHANGED, (other,))
        against = [
            *([HeldFor.OTHER_RECIPIENT] if row.recipient != conversation.patient_id else []),
            *_against_conversation(conversation, row.created_at),
            *await _against_standing(tx, conversation, row.category, row.phase, now),
        ]
        if against:
            return Against(against[0])
        over = await over_limits(tx, conversation, now.policy, now.version, but=row) if now.policy else []
        return Against(over[0].code, (over[0],)) if over else None

    return ask


async def over_limits(
    tx: AsyncConnection, conversation: Any, limits_of: Policy, version: int, but: Any = None
) -> list[Reached]:
    """Return the limits that one more automatic reply to this conversation's patient would be over.

    Args:
        but: a row that is queued already: only what was tried before it counts against it.
    """
    mine = [outbox.c.pharmacy_id == conversation.pharmacy_id, outbox.c.automatic, outbox.c.kind == "reply",
            outbox.c.state != "cancelled"]  # fmt: skip
    if but is not None:
        mine += [outbox.c.id != but.id, outbox.c.attempts > 0]
    to_patient, at = outbox.c.recipient == conversation.patient_id, func.coalesce(outbox.c.sent_at, outbox.c.created_at)
    hour = func.clock_timestamp() - text("interval '1 hour'")
    day = func.clock_timestamp() - text("interval '1 day'")
    lately = select(
        func.count().filter(to_patient, at > hour).label("per_patient_hour"),
        func.count().filter(to_patient, at > day).label("per_patient_day"),
        func.count().filter(at > day).label("per_day"),
        # Held for at most a quarter of an hour before it is sent, so two days of rows hold every one of the last day.
    ).where(*mine, outbox.c.created_at > func.now() - text("interval '2 days'"))
    counted = dict((await tx.execute(lately)).one()._mapping)
    in_all = select(func.count()).select_from(outbox).where(*mine, outbox.c.policy_version == version)
    counted["in_all"] = (await tx.execute(in_all)).scalar_one()
    most = limits_of.limits.model_dump()
    return [
        Reached(HeldFor(f"limit_{name}"), count, most[name]) for name, count in counted.items() if count >= most[name]
    ]


def _against_run(outcome: Outcome, covered: outcomes.Covered, ran: Ran, now: InForce) -> Iterator[HeldFor]:
    draft = outcome.drafts[-1] if outcome.drafts else None
    judgement = draft.judgement if draft else None
    judged = any(call.node == JUDGE and call.error is None for call in covered.calls)
    if ran.requested:
        yield HeldFor.REQUESTED
    if ran.hits:
        yield HeldFor.GATE_HIT
    if draft is None or judgement is None or not judgement.clears or not judged:
        yield HeldFor.NOT_JUDGED
    elif not all(name in judgement.marks and judgement.marks[name].mark >= at for name, at in now.floors.items()):
        yield HeldFor.MARK_BELOW_AUTOMATIC
    if draft is None or outcome.reply != f"{draft.text}\n\n{now.marking}":
        yield HeldFor.NOT_MARKED
    elif now.policy is not None and len(draft.text) > now.policy.longest_chars:
        yield HeldFor.TOO_LONG


def _against_conversation(conversation: Any, since: datetime) -> Iterator[HeldFor]:
    if conversation.taken_over_by is not None:
        yield HeldFor.TAKEN_OVER
    # Whoever corrects what a conversation is about has looked at it, and may want other words.
    if any(at is not None and at > since for at in (conversation.phase_set_at, conversation.category_set_at)):
        yield HeldFor.CORRECTED


async def _against_standing(
    tx: AsyncConnection, conversation: Any, category: str | None, phase: str | None, now: InForce
) -> list[HeldFor]:
    against = [now.refusal] if now.refusal else []
    if now.policy is None or now.policy.mode_of(category or "", phase or "") is not Mode.AUTO:
        against.append(HeldFor.NOT_ALLOW_LISTED)
    open_case = (handovers.c.pharmacy_id == conversation.pharmacy_id, handovers.c.state == "open",
                 handovers.c.conversation_id == conversation.id)  # fmt: skip
    if (await tx.execute(select(handovers.c.id).where(*open_case).limit(1))).one_or_none() is not None:
        against.append(HeldFor.OPEN_CASE)
    mine = (patients.c.pharmacy_id == conversation.pharmacy_id, patients.c.id == conversation.patient_id)
    profile = (await tx.execute(select(patients.c.profile).where(*mine))).scalar_one()
    if (profile.get("consent") or {}).get("replies") is not True:
        against.append(HeldFor.CONSENT_UNKNOWN)
    return against


async def _against_words(tx: AsyncConnection, conversation: Any, words: str) -> list[HeldFor]:
    others = await names.other_names_in(tx, conversation.pharmacy_id, conversation.patient_id, words)
    return [HeldFor.OTHER_PATIENTS_NAME] if others else []


def as_suggestion(outcome: Outcome, against: Sequence[HeldFor], reached: Sequence[Reached] = ()) -> Outcome:
    """Return the same draft as a suggestion that waits `against` reasons, without the marking."""
    held_for = tuple(dict.fromkeys((*outcome.held_for, *against)))
    words = outcome.drafts[-1].text if outcome.drafts else outcome.reply
    return replace(
        outcome, kind=OutcomeKind.SUGGESTION, reply=words, held_for=held_for, reached=(*outcome.reached, *reached)
    )
