"""What was taken before: a message is known again by its event or by the caller's key, if its content is the same."""

from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.incoming import Incoming, Taken, content_hash
from pharmacy.storage.refusals import Conflict
from pharmacy.storage.tables import conversations, idempotency_keys, inbox, messages


async def repeated(tx: AsyncConnection, incoming: Incoming, message_id: str) -> Taken:
    """Return where the message stands that was taken before.

    Raises:
        Conflict: it is of another conversation or patient.
    """
    where = (messages.c.pharmacy_id == incoming.pharmacy_id, messages.c.conversation_id == incoming.conversation_id)
    of_patient = (conversations.c.pharmacy_id == messages.c.pharmacy_id) & (
        conversations.c.id == messages.c.conversation_id
    )
    found = select(messages.c.version, conversations.c.patient_id).join(conversations, of_patient)
    row = (await tx.execute(found.where(*where, messages.c.id == message_id))).one()
    refuse_other_patient(incoming, row.patient_id)
    return Taken(message_id, incoming.conversation_id, row.version, row.patient_id, repeated=True)


async def of_key(tx: AsyncConnection, incoming: Incoming) -> str | None:
    """Return the message that this idempotency key already made, or None."""
    if incoming.idempotency is None:
        return None
    where = (
        idempotency_keys.c.pharmacy_id == incoming.pharmacy_id,
        idempotency_keys.c.caller == incoming.idempotency.caller,
        idempotency_keys.c.key == incoming.idempotency.key,
    )
    found = (await tx.execute(select(idempotency_keys).where(*where))).one_or_none()
    if found is not None and found.request_hash != incoming.idempotency.request_hash:
        raise _used_key()
    return str(found.message_id) if found is not None else None


async def of_event(tx: AsyncConnection, incoming: Incoming) -> str:
    """Return the message that this event already made.

    Raises:
        Conflict: it was another one, or it has been erased.
    """
    where = (inbox.c.pharmacy_id == incoming.pharmacy_id, inbox.c.channel == incoming.channel,
             inbox.c.event_id == incoming.event_id)  # fmt: skip
    found = (await tx.execute(select(inbox.c.raw_hash, inbox.c.message_id).where(*where))).one_or_none()
    if found is None or found.raw_hash != content_hash(incoming):
        raise _used_id(incoming)
    return str(found.message_id)


async def keep_key(tx: AsyncConnection, incoming: Incoming) -> None:
    """Keep the caller's key with the message that it made.

    Raises:
        Conflict: another request has used it meanwhile.
    """
    if incoming.idempotency is not None:
        row = {"pharmacy_id": incoming.pharmacy_id, "conversation_id": incoming.conversation_id,
               "message_id": incoming.message_id, **asdict(incoming.idempotency)}  # fmt: skip
        used = upsert(idempotency_keys).values(**row).on_conflict_do_nothing().returning(idempotency_keys.c.key)
        if (await tx.execute(used)).one_or_none() is None:
            raise _used_key()


def refuse_other_patient(incoming: Incoming, patient_id: str) -> None:
    """Raise Conflict where the message names another patient than its conversation's."""
    if incoming.patient_id is not None and incoming.patient_id != patient_id:
        place = f"patient.id = {incoming.patient_id!r}"
        raise Conflict(f"{place}: conversation {incoming.conversation_id!r} belongs to another patient")


def refuse_other_channel(incoming: Incoming, channel: str) -> None:
    """Raise Conflict where the message comes over another channel than its conversation is led over."""
    # Else whoever may post a message could put words into a patient's mouth, and be answered to that patient's phone.
    if incoming.channel != channel:
        place = f"conversation_id = {incoming.conversation_id!r}"
        raise Conflict(f"{place}: the conversation is led over another channel than {incoming.channel!r}")


def _used_id(incoming: Incoming) -> Conflict:
    return Conflict(
        f"message_id {incoming.event_id!r} was used before with another text or conversation; expected a new one"
    )


def _used_key() -> Conflict:
    return Conflict("Idempotency-Key was used before with another request; expected a new key")
