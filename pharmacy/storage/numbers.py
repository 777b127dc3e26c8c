"""What became of drafts, counted from the drafts and their displays themselves: nothing is kept of it beside them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, ColumnElement, Select, Text, cast, exists, func, literal, null, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.numbers import DECIDED, Figures, Spread, change, edits_of
from pharmacy.storage.tables import displays, suggestions

JAPAN = "Asia/Tokyo"
WAYS = ("category", "model", "day")
"""What the figures are given by; of one that nothing names, the key is None."""

Key = tuple[str, Any]
"""A way and its value; `("total", None)` for all of it."""

TOTAL: Key = ("total", None)


@dataclass(frozen=True)
class Asked:
    """Which drafts are counted."""

    pharmacy_id: str
    first: date
    """The first day, in Japan; and `last` the last one."""

    last: date
    who: str | None = None
    """Only what this person had on the screen, and decided; None for the whole pharmacy."""

    @property
    def begins(self) -> datetime:
        """When the first day begins."""
        return datetime.combine(self.first, time(), ZoneInfo(JAPAN))

    @property
    def ends(self) -> datetime:
        """When the day after the last one begins."""
        return datetime.combine(self.last + timedelta(days=1), time(), ZoneInfo(JAPAN))

    def holds(self, at: Any) -> ColumnElement[bool]:
        """Say whether a time is within the days."""
        within: ColumnElement[bool] = (at >= self.begins) & (at < self.ends)
        return within


async def count(tx: AsyncConnection, asked: Asked) -> Mapping[Key, Figures]:
    """Return the figures of all of it, and by each way; what has none is left out, but `TOTAL` never."""
    found = await decided(tx, asked)
    for row in await tx.execute(_times(asked)):
        key = _key(row)
        found[key] = replace(found[key], seconds=Spread(row.n, row.median, row.p90))
    edited = (await tx.execute(_edited(asked))).all()
    for key, changes in (await asyncio.to_thread(_changes, edited)).items():
        found[key] = replace(found[key], edits=edits_of(changes))
    return found


async def decided(tx: AsyncConnection, asked: Asked) -> dict[Key, Figures]:
    """Return how many of each there were, likewise; nothing of how long it took or what was changed."""
    found: dict[Key, Figures] = defaultdict(Figures)
    found[TOTAL] = Figures()
    for row in await tx.execute(_counts(asked)):
        key = _key(row)
        found[key] = _with(found[key], row)
    return found


def _counts(asked: Asked) -> Select[Any]:
    events = union_all(_decisions(asked), _superseded(asked), _displayed(asked)).cte("events")
    ways = [events.c[way] for way in WAYS]
    per = [tuple_(events.c.kind, events.c.code), *(tuple_(way, events.c.kind, events.c.code) for way in ways)]
    marks = [func.grouping(way).label(f"without_{way.name}") for way in ways]
    return select(*ways, events.c.kind, events.c.code, *marks, func.count().label("many")).group_by(
        func.grouping_sets(*per)
    )


def _times(asked: Asked) -> Select[Any]:
    """Return the question for how long people took; only whose display was noted can say so."""
    its_own = (
        (displays.c.pharmacy_id == suggestions.c.pharmacy_id)
        & (displays.c.suggestion_id == suggestions.c.id)
        & (displays.c.shown_to == suggestions.c.decided_by)
        & (displays.c.at <= suggestions.c.decided_at)
    )
    took = func.extract("epoch", suggestions.c.decided_at - displays.c.at).label("took")
    each = select(suggestions.c.category, suggestions.c.model, _day(suggestions.c.decided_at), took)
    each = each.join(displays, its_own).where(*_decided(asked))
    return _spread(each.cte("decided"))


def _spread(each: CTE) -> Select[Any]:
    ways = [each.c[way] for way in WAYS]
    marks = [func.grouping(way).label(f"without_{way.name}") for way in ways]
    took = each.c.took
    figures = [
        func.count().label("n"),
        func.percentile_cont(0.5).within_group(took).label("median"),
        func.percentile_cont(0.9).within_group(took).label("p90"),
    ]
    found: Select[Any] = select(*ways, *marks, *figures)
    # Of nothing there would still be one row for all of it.
    return found.group_by(func.grouping_sets(tuple_(), *(tuple_(way) for way in ways))).having(func.count() > 0)


def _edited(asked: Asked) -> Select[Any]:
    sent = suggestions.c.decision["text"].astext.label("sent")
    ways = (suggestions.c.category, suggestions.c.model, _day(suggestions.c.decided_at))
    edited = (suggestions.c.state == "edited", sent.is_not(None))
    return select(*ways, suggestions.c.text, sent).where(*_decided(asked), *edited)


def _decisions(asked: Asked) -> Select[Any]:
    code = suggestions.c.decision["code"].astext
    return _events(suggestions.c.state, code, suggestions.c.decided_at).where(*_decided(asked))


def _superseded(asked: Asked) -> Select[Any]:
    """Return the drafts that were before somebody's eyes when they were overtaken."""
    seen = select(displays.c.at).where(
        displays.c.pharmacy_id == suggestions.c.pharmacy_id, displays.c.suggestion_id == suggestions.c.id,
        displays.c.at <= suggestions.c.decided_at, *_by(asked),
    )  # fmt: skip
    found = _events(suggestions.c.state, null(), suggestions.c.decided_at)
    of = (suggestions.c.pharmacy_id == asked.pharmacy_id, suggestions.c.state == "superseded")
    return found.where(*of, asked.holds(suggestions.c.decided_at), exists(seen))


def _displayed(asked: Asked) -> Select[Any]:
    """Return the drafts that were first on a screen within the days."""
    mine = (displays.c.pharmacy_id == asked.pharmacy_id, *_by(asked))
    first = func.min(displays.c.at).label("at")
    lately = select(displays.c.suggestion_id, first).where(*mine, asked.holds(displays.c.at))
    shown = lately.group_by(displays.c.suggestion_id).subquery()
    before = select(displays.c.at).where(
        *mine, displays.c.suggestion_id == shown.c.suggestion_id, displays.c.at < asked.begins
    )
    found = _events(literal("displayed"), null(), shown.c.at).join(shown, shown.c.suggestion_id == suggestions.c.id)
    return found.where(suggestions.c.pharmacy_id == asked.pharmacy_id, ~exists(before))


def _events(kind: Any, code: Any, at: Any) -> Select[Any]:
    return select(
        cast(kind, Text).label("kind"), cast(code, Text).label("code"), suggestions.c.category, suggestions.c.model,
        _day(at),
    )  # fmt: skip


def _decided(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    by = () if asked.who is None else (suggestions.c.decided_by == asked.who,)
    of = (suggestions.c.pharmacy_id == asked.pharmacy_id, suggestions.c.state.in_(DECIDED))
    return (*of, asked.holds(suggestions.c.decided_at), *by)


def _by(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    return () if asked.who is None else (displays.c.shown_to == asked.who,)


def _day(at: Any) -> Any:
    return func.date(func.timezone(JAPAN, at)).label("day")


def _key(row: Any) -> Key:
    for way in WAYS:
        if not getattr(row, f"without_{way}"):
            return way, getattr(row, way)
    return TOTAL


def _with(figures: Figures, row: Any) -> Figures:
    if row.kind == "displayed":
        return replace(figures, displayed=figures.displayed + row.many)
    if row.kind == "superseded":
        return replace(figures, superseded=figures.superseded + row.many)
    decided = {**figures.decided, row.kind: figures.decided.get(row.kind, 0) + row.many}
    if row.kind != "rejected":
        return replace(figures, decided=decided)
    code = row.code or "other"
    refused_for = {**figures.refused_for, code: figures.refused_for.get(code, 0) + row.many}
    return replace(figures, decided=decided, refused_for=refused_for)


def _changes(edited: Iterable[Any]) -> Mapping[Key, list[tuple[int, float]]]:
    """Return how much each edited draft was changed, by each way."""
    found: dict[Key, list[tuple[int, float]]] = defaultdict(list)
    for row in edited:
        changed = change(row.text, row.sent)
        for key in (TOTAL, *((way, getattr(row, way)) for way in WAYS)):
            found[key].append(changed)
    return found
