"""How much an earlier answer may cost a pharmacy, where somebody has chosen: append-only rows, with who, when, why."""

import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.profile import MEASURED, Profile
from pharmacy.storage import audit
from pharmacy.storage.tables import reply_profiles

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """The newest choice."""

    profile: Profile | None
    """None where the pharmacy goes by `KAKARI_PROFILE` again."""

    set_by: str
    reason: str
    at: datetime


async def newest(tx: AsyncConnection, pharmacy_id: str) -> Chosen | None:
    """Return what was chosen last, or None where nobody has ever chosen.

    Read anew for each run, so that a choice holds in every process from its commit on.
    """
    mine = select(reply_profiles).where(reply_profiles.c.pharmacy_id == pharmacy_id)
    row = (await tx.execute(mine.order_by(reply_profiles.c.seq.desc()).limit(1))).one_or_none()
    return Chosen(read(row.profile), row.set_by, row.reason, row.at) if row else None


async def choose(tx: AsyncConnection, pharmacy_id: str, actor: str, profile: Profile | None, reason: str) -> bool:
    """Let `profile` hold from the next run on, or the program's own where it is None; say whether that is a change."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('reply_profiles:' || :p, 0))")
    await tx.execute(lock, {"p": pharmacy_id})
    before = await newest(tx, pharmacy_id)
    if (before.profile if before else None) == profile:
        return False
    row = {"profile": profile.value if profile else None, "set_by": actor, "reason": reason}
    await tx.execute(insert(reply_profiles).values(**row, pharmacy_id=pharmacy_id))
    body = {"profile": row["profile"], "reasoned": bool(reason)}
    await audit.append(tx, pharmacy_id, actor, "profile_set", pharmacy_id, body)
    return True


def told(chosen: Chosen | None, default: Profile) -> dict[str, Any]:
    """Return which profile holds, who chose it, and what each costs, as the API and the command say it."""
    named = chosen.profile if chosen else None
    return {
        "profile": named or default,
        "chosen": named is not None,
        "default": default,
        "set_by": chosen.set_by if chosen else None,
        "reason": chosen.reason if chosen else None,
        "set_at": chosen.at if chosen else None,
        "prices": {str(each): asdict(price) for each, price in MEASURED.items()},
    }


def read(stored: str | None) -> Profile | None:
    """Return the profile; None where this program knows none of that name, as after a step back to an older one."""
    try:
        return Profile(stored) if stored else None
    except ValueError:
        log.warning("profile_unknown profile=%s", stored)
        return None
