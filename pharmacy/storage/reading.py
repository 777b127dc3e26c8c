"""Read conversations, messages, suggestions and handovers as the API shows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.storage.displays import first_shown
from pharmacy.storage.paging import Page, page, read_cursor
from pharmacy.storage.refusals import NotHere
from pharmacy.storage.shown import (
    call_json,
    conversation_json,
    handover_json,
    message_json,
    run_json,
    suggestion_json,
    unsent_json,
)
from pharmacy.storage.tables import (
    conversations,
    handovers,
    media,
    messages,
    model_calls,
    outbox,
    requests,
    runs,
    suggestions,
)

LAST_MESSAGES = 50
_IN_ORDER = (messages.c.order_at, messages.c.id)
_LAST_FIRST = (messages.c.order_at.desc(), messages.c.id.desc())
_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


async def snapshot(tx: AsyncConnection) -> None:
    """Let everything that the transaction reads be of one moment; to be called before its first query."""
    await tx.execute(_SNAPSHOT)


async def one_conversation(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> dict[str, Any]:
    """Return a conversation with its last messages and open items.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    mine = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == conversation_id)
    row = (await tx.execute(_conversation_rows().where(*mine))).one_or_none()
    if row is None:
        raise NotHere(f"conversation {conversation_id!r}: there is none")
    newest = _messages(pharmacy_id, conversation_id).order_by(*_LAST_FIRST).limit(LAST_MESSAGES)
    suggestion = await _draft(tx, suggestions.c.id == row.suggestion_id) if row.suggestion_id else None
    handover = await _first(tx, handovers, handovers.c.id == row.handover_id) if row.handover_id else None
    run = await _run_in_work(tx, pharmacy_id, conversation_id)
    unsent = select(outbox).where(
        outbox.c.pharmacy_id == pharmacy_id,
        outbox.c.conversation_id == conversation_id,
        outbox.c.state.in_(["queued", "parked"]),
    )
    return conversation_json(row) | {
        "messages": [message_json(message) for message in reversed((await tx.execute(newest)).all())],
        "suggestion": suggestion_json(suggestion) if suggestion else None,
        "handover": handover_json(handover) if handover else None,
        "run": run_json(run) if run else None,
        "unsent": [unsent_json(row) for row in await tx.execute(unsent.order_by(outbox.c.created_at))],
    }


async def list_messages(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, *, limit: int, after: str | None
) -> Page:
    """Return a conversation's messages, oldest first."""
    await conversation_row(tx, pharmacy_id, conversation_id)
    found = _messages(pharmacy_id, conversation_id)
    if after:
        found = found.where(tuple_(*_IN_ORDER) > tuple_(*read_cursor(after, (datetime, str))))
    rows = (await tx.execute(found.order_by(*_IN_ORDER).limit(limit + 1))).all()
    return page(list(rows), limit, message_json, lambda row: [row.order_at.isoformat(), row.id])


async def newer_messages(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, version: int
) -> list[dict[str, Any]]:
    """Return the patient's messages since `version`, oldest first, 50 at most."""
    found = _messages(pharmacy_id, conversation_id).where(messages.c.author == "patient", messages.c.version > version)
    return [message_json(row) for row in await tx.execute(found.order_by(*_IN_ORDER).limit(LAST_MESSAGES))]


async def list_suggestions(
    tx: AsyncConnection,
    pharmacy_id: str,
    *,
    limit: int,
    after: str | None,
    state: str | None,
    conversation_id: str | None,
) -> Page:
    """Return suggestions, the oldest first: the one that waited longest is the next to decide."""
    found = _drafts().where(suggestions.c.pharmacy_id == pharmacy_id)
    if state is not None:
        found = found.where(suggestions.c.state == state)
    if conversation_id is not None:
        found = found.where(suggestions.c.conversation_id == conversation_id)
    if after:
        (seq,) = read_cursor(after, (int,))
        found = found.where(suggestions.c.seq > seq)
    rows = (await tx.execute(found.order_by(suggestions.c.seq).limit(limit + 1))).all()
    return page(list(rows), limit, suggestion_json, lambda row: [row.seq])


async def one_suggestion(tx: AsyncConnection, pharmacy_id: str, suggestion_id: UUID) -> dict[str, Any]:
    """Return a suggestion with its trail: each step, each model call, what it cost.

    Raises:
        NotHere: this pharmacy has no such suggestion.
    """
    row = await _draft(tx, (suggestions.c.pharmacy_id == pharmacy_id) & (suggestions.c.id == suggestion_id))
    if row is None:
        raise NotHere(f"suggestion {str(suggestion_id)!r}: there is none")
    return suggestion_json(row) | {"calls": await calls_of(tx, pharmacy_id, row.run_id)}


async def calls_of(tx: AsyncConnection, pharmacy_id: str, run_id: UUID) -> list[dict[str, Any]]:
    """Return a run's model calls in their order."""
    mine = (model_calls.c.pharmacy_id == pharmacy_id, model_calls.c.run_id == run_id)
    calls = await tx.execute(select(model_calls).where(*mine).order_by(model_calls.c.seq))
    return [call_json(call) for call in calls]


async def first_blanks(tx: AsyncConnection, pharmacy_id: str, run_id: UUID) -> dict[str, dict[str, str]]:
    """Return node to what its first question of the run was filled with; empty where the words are gone."""
    mine = (model_calls.c.pharmacy_id == pharmacy_id, model_calls.c.run_id == run_id)
    found = select(model_calls.c.node, model_calls.c.blanks).where(*mine).distinct(model_calls.c.node)
    return {row.node: row.blanks for row in await tx.execute(found.order_by(model_calls.c.node, model_calls.c.seq))}


async def last_refused(
    tx: AsyncConnection, pharmacy_id: str, conversation_id: str, version: int
) -> dict[str, Any] | None:
    """Return the draft for the conversation as it stands that a person has refused last, or None."""
    refused = _drafts().where(
        suggestions.c.pharmacy_id == pharmacy_id, suggestions.c.conversation_id == conversation_id,
        suggestions.c.version == version, suggestions.c.state == "rejected",
    )  # fmt: skip
    row = (await tx.execute(refused.order_by(suggestions.c.seq.desc()).limit(1))).one_or_none()
    return suggestion_json(row) if row else None


async def list_handovers(
    tx: AsyncConnection,
    pharmacy_id: str,
    *,
    limit: int,
    after: str | None,
    state: str | None,
    tier: str | None,
    conversation_id: str | None,
) -> Page:
    """Return handovers: emergencies first, then by how long they wait."""
    found = select(handovers).where(handovers.c.pharmacy_id == pharmacy_id)
    for column, value in (
        (handovers.c.state, state),
        (handovers.c.tier, tier),
        (handovers.c.conversation_id, conversation_id),
    ):
        if value is not None:
            found = found.where(column == value)
    place = (handovers.c.urgency, handovers.c.seq)
    if after:
        found = found.where(tuple_(*place) > tuple_(*read_cursor(after, (int, int))))
    rows = (await tx.execute(found.order_by(*place).limit(limit + 1))).all()
    return page(list(rows), limit, handover_json, lambda row: [row.urgency, row.seq])


async def one_handover(tx: AsyncConnection, pharmacy_id: str, handover_id: UUID) -> dict[str, Any]:
    """Return one case.

    Raises:
        NotHere: this pharmacy has no such handover.
    """
    row = await _first(tx, handovers, (handovers.c.pharmacy_id == pharmacy_id) & (handovers.c.id == handover_id))
    if row is None:
        raise NotHere(f"handover {str(handover_id)!r}: there is none")
    return handover_json(row)


async def counts(tx: AsyncConnection, pharmacy_id: str) -> dict[str, int]:
    """Return how many suggestions and handovers wait."""
    waiting = {}
    for name, of in (("suggestions", suggestions), ("handovers", handovers)):
        found = select(func.count()).select_from(of).where(of.c.pharmacy_id == pharmacy_id, of.c.state == "open")
        waiting[name] = int((await tx.execute(found)).scalar_one())
    return waiting


async def readiness(tx: AsyncConnection) -> tuple[str | None, bool]:
    """Return the schema's revision, and whether any worker has shown a sign of life within 10 seconds."""
    revision = (await tx.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    alive = text(
        "SELECT EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - interval '10 seconds')"
    )
    return revision, bool((await tx.execute(alive)).scalar_one())


async def conversation_row(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> Any:
    """Return the conversation's row as it stands, held for nobody.

    Raises:
        NotHere: this pharmacy has no such conversation.
    """
    mine = (conversations.c.pharmacy_id == pharmacy_id, conversations.c.id == conversation_id)
    row = (await tx.execute(select(conversations).where(*mine))).one_or_none()
    if row is None:
        raise NotHere(f"conversation {conversation_id!r}: there is none")
    return row


def _conversation_rows() -> Select[Any]:
    def of_mine(of: Any) -> Any:
        same = (of.c.pharmacy_id == conversations.c.pharmacy_id) & (of.c.conversation_id == conversations.c.id)
        return same & (of.c.state == "open")

    return (
        select(
            conversations,
            suggestions.c.id.label("suggestion_id"),
            handovers.c.id.label("handover_id"),
            handovers.c.tier,
        )
        .outerjoin(suggestions, of_mine(suggestions))
        .outerjoin(handovers, of_mine(handovers))
    )


def _messages(pharmacy_id: str, conversation_id: str) -> Select[Any]:
    of_message = (
        (media.c.pharmacy_id == messages.c.pharmacy_id)
        & (media.c.conversation_id == messages.c.conversation_id)
        & (media.c.message_id == messages.c.id)
    )
    file = (media.c.kind.label("file_kind"), media.c.state.label("file_state"), media.c.content_type, media.c.size,
            media.c.problem.label("file_problem"))  # fmt: skip
    found = select(messages, *file).outerjoin(media, of_message)
    return found.where(messages.c.pharmacy_id == pharmacy_id, messages.c.conversation_id == conversation_id)


async def _run_in_work(tx: AsyncConnection, pharmacy_id: str, conversation_id: str) -> Any | None:
    where = (runs.c.pharmacy_id == pharmacy_id, runs.c.conversation_id == conversation_id, runs.c.state == "running")
    found = select(runs.c.id, runs.c.started_at, runs.c.node, requests.c.requested_by)
    found = found.outerjoin(requests, requests.c.id == runs.c.request_id).where(*where)
    return (await tx.execute(found.order_by(runs.c.started_at.desc()).limit(1))).one_or_none()


def _drafts() -> Select[Any]:
    return select(suggestions, first_shown().label("shown_at"))


async def _draft(tx: AsyncConnection, where: Any) -> Any | None:
    return (await tx.execute(_drafts().where(where))).one_or_none()


async def _first(tx: AsyncConnection, of: Any, where: Any) -> Any | None:
    return (await tx.execute(select(of).where(where))).one_or_none()
