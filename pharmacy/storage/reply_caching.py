"""Whether a pharmacy answers repeated questions from memory: append-only rows, with who, when and why."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.profile import Profile
from pharmacy.domain.repeated.caching import Caching, Recall
from pharmacy.storage import audit, reply_profiles
from pharmacy.storage.tables import reply_caching
from pharmacy.storage.tables import reply_profiles as profiles

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """The newest choice."""

    caching: Caching
    set_by: str
    reason: str
    at: datetime


async def newest(tx: AsyncConnection, pharmacy_id: str) -> Chosen | None:
    """Return what was chosen last, or None where nobody has ever chosen: then nothing is remembered."""
    mine = select(reply_caching).where(reply_caching.c.pharmacy_id == pharmacy_id)
    row = (await tx.execute(mine.order_by(reply_caching.c.seq.desc()).limit(1))).one_or_none()
    return Chosen(_read(row.setting), row.set_by, row.reason, row.at) if row else None


async def with_profile(tx: AsyncConnection, pharmacy_id: str, default: Profile) -> tuple[Profile, Caching]:
    """Return what the next run goes by, profile and memory, in one statement: it is asked for every message."""
    newest_of = (
        select(profiles.c.profile)
        .where(profiles.c.pharmacy_id == pharmacy_id)
        .order_by(profiles.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    set_last = (
        select(reply_caching.c.setting)
        .where(reply_caching.c.pharmacy_id == pharmacy_id)
        .order_by(reply_caching.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    row = (await tx.execute(select(newest_of.label("profile"), set_last.label("setting")))).one()
    return reply_profiles.read(row.profile) or default, _read(row.setting)


async def choose(tx: AsyncConnection, pharmacy_id: str, actor: str, caching: Caching, reason: str) -> bool:
    """Let `caching` hold from the next run on; say whether that is a change."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('reply_caching:' || :p, 0))")
    await tx.execute(lock, {"p": pharmacy_id})
    before = await newest(tx, pharmacy_id)
    if (before.caching if before else Caching()) == caching:
        return False
    named = None if caching.categories is None else sorted(caching.categories)
    setting = {"recall": caching.recall.value, "categories": named}
    row = {"setting": setting, "set_by": actor, "reason": reason}
    await tx.execute(insert(reply_caching).values(**row, pharmacy_id=pharmacy_id))
    await audit.append(tx, pharmacy_id, actor, "caching_set", pharmacy_id, setting | {"reasoned": bool(reason)})
    return True


def _read(setting: Any) -> Caching:
    """Return the choice; what this program cannot read, as after a step back to an older one, remembers nothing."""
    if setting is None:
        return Caching()
    try:
        categories = setting["categories"]
        return Caching(Recall(setting["recall"]), None if categories is None else frozenset(categories))
    except (ValueError, KeyError, TypeError):
        log.warning("caching_unknown")
        return Caching()
