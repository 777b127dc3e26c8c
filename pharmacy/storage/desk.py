"""The desk: the list of conversations that a pharmacist works from, tab by tab, and how many stand in each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.gates.hit import Tier
from pharmacy.storage.cases import URGENCY
from pharmacy.storage.desk_rows import with_words
from pharmacy.storage.desk_search import holds
from pharmacy.storage.desk_tabs import ASLEEP, OPEN_ITEMS, TAB, Tab, unanswered
from pharmacy.storage.paging import CursorUnreadable, Page, page, read_cursor
from pharmacy.storage.shown import desk_json
from pharmacy.storage.tables import conversations, handovers, suggestions


@dataclass(frozen=True)
class Wanted:
    """Which conversations to list; what is None is not asked."""

    tab: Tab | None = None
    """None: of every tab, the one with the newest message first."""

    asleep: bool | None = None
    """Only those that are snoozed, or only those that are not."""

    waiting: str | None = None
    """`suggestion`, `handover`, `taken_over` or `nothing`: what of it waits for a person."""

    phase: str | None = None
    category: str | None = None
    channel: str | None = None
    patient_id: str | None = None
    tier: str | None = None
    """Of the open case."""

    held_by: str | None = None
    """Who has claimed it or taken it over."""

    words: str | None = None
    """What stands in its messages, or in a name or an id."""

    answered_by_machines: bool = True
    """Whether a reply that went out by itself ends a patient's wait."""


@dataclass(frozen=True)
class _Order:
    """How a list is sorted; the last column is an id, so that no two rows stand at one place."""

    by: tuple[ColumnElement[Any], ...]
    kinds: tuple[type, ...]
    newest_first: bool = False


async def list_rows(tx: AsyncConnection, pharmacy_id: str, wanted: Wanted, *, limit: int, after: str | None) -> Page:
    """Return conversations as rows of the desk.

    In `person` the most pressing tier stands first, then who waits longest; in `check` who waits longest; elsewhere the
    one with the newest message.

    Raises:
        CursorUnreadable: `after` comes from no page of this tab.
    """
    waits = unanswered(by_machines=wanted.answered_by_machines)
    order = _order(wanted.tab, waits)
    columns = (conversations.c.id, suggestions.c.id.label("suggestion_id"), handovers.c.id.label("handover_id"),
               handovers.c.tier, handovers.c.code, handovers.c.acknowledged_at, TAB)  # fmt: skip
    places = (column.label(f"place_{number}") for number, column in enumerate(order.by))
    rows_of = OPEN_ITEMS if order.newest_first else OPEN_ITEMS.outerjoin(waits, true())
    found: Select[Any] = select(*columns, *places).select_from(rows_of)
    found = found.where(conversations.c.pharmacy_id == pharmacy_id, *_conditions(wanted))
    if after:
        found = found.where(_behind(after, order, wanted.tab))
    found = found.order_by(*(column.desc() if order.newest_first else column for column in order.by)).limit(limit + 1)
    shown = with_words(pharmacy_id, found, order.newest_first, wanted.answered_by_machines)
    rows = (await tx.execute(shown)).all()
    return page(list(rows), limit, desk_json, lambda row: _place(row, order, wanted.tab))


async def emergencies(tx: AsyncConnection, pharmacy_id: str, limit: int) -> list[dict[str, Any]]:
    """Return the open emergencies as rows of the desk, the one that has waited longest first; no snooze hides one."""
    wanted = Wanted(tab=Tab.PERSON, tier=Tier.E.value)
    return (await list_rows(tx, pharmacy_id, wanted, limit=limit, after=None)).items


async def counts(tx: AsyncConnection, pharmacy_id: str) -> dict[str, Any]:
    """Return how many conversations stand in each tab, how many are snoozed, and how many emergencies are open."""
    asleep, emergency = ASLEEP.label("asleep"), (handovers.c.tier == Tier.E)
    found = select(TAB, asleep, func.count().label("many"), func.count().filter(emergency).label("emergencies"))
    found = found.select_from(OPEN_ITEMS).where(conversations.c.pharmacy_id == pharmacy_id)
    rows = (await tx.execute(found.group_by(TAB, asleep))).all()
    tabs = {tab.value: sum(row.many for row in rows if row.tab == tab and not row.asleep) for tab in Tab}
    snoozed = sum(row.many for row in rows if row.asleep)
    return {"tabs": tabs, "snoozed": snoozed, "emergencies": sum(row.emergencies for row in rows)}


def _order(tab: Tab | None, waits: Any) -> _Order:
    if tab not in (Tab.PERSON, Tab.CHECK):
        return _Order((conversations.c.last_message_at, conversations.c.id), (datetime, str), newest_first=True)
    # A case that no message waits in, such as a text that could not be sent, waits since it was opened.
    since = func.coalesce(waits.c.since, handovers.c.created_at, suggestions.c.created_at, conversations.c.created_at)
    if tab is Tab.CHECK:
        return _Order((since, conversations.c.id), (datetime, str))
    return _Order((func.coalesce(handovers.c.urgency, URGENCY[None]), since, conversations.c.id), (int, datetime, str))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    asked = [
        column == value
        for column, value in (
            (conversations.c.phase, wanted.phase),
            (conversations.c.category, wanted.category),
            (conversations.c.channel, wanted.channel),
            (conversations.c.patient_id, wanted.patient_id),
            (handovers.c.tier, wanted.tier),
        )
        if value is not None
    ]
    if wanted.tab is not None:
        asked.append(TAB.in_([wanted.tab.value]))
    if wanted.asleep is not None:
        asked.append(ASLEEP if wanted.asleep else ~ASLEEP)
    if wanted.waiting is not None:
        asked.append(_waits(wanted.waiting))
    if wanted.held_by is not None:
        asked.append(or_(conversations.c.claimed_by == wanted.held_by, conversations.c.taken_over_by == wanted.held_by))
    if wanted.words is not None:
        asked.append(holds(wanted.words))
    return asked


def _waits(waiting: str) -> ColumnElement[bool]:
    kinds = {
        "suggestion": suggestions.c.id.is_not(None),
        "handover": handovers.c.id.is_not(None),
        "taken_over": conversations.c.taken_over_by.is_not(None),
    }
    return kinds[waiting] if waiting in kinds else ~or_(*kinds.values())


def _place(row: Any, order: _Order, tab: Tab | None) -> list[Any]:
    values = [getattr(row, f"place_{number}") for number in range(len(order.by))]
    place = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return place if tab is None else [tab.value, *place]


def _behind(after: str, order: _Order, tab: Tab | None) -> ColumnElement[bool]:
    named, *place = read_cursor(after, (str, *order.kinds)) if tab else [None, *read_cursor(after, order.kinds)]
    if named != tab:
        raise CursorUnreadable(f"cursor = {after[:80]!r}: expected the `next` of an earlier page of tab {tab!r}")
    own, given = tuple_(*order.by), tuple_(*place)
    return own < given if order.newest_first else own > given
