"""A desk whose rows a test writes itself, at times of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, insert, update

from pharmacy.storage import desk
from pharmacy.storage.cases import URGENCY
from pharmacy.storage.database import Database
from pharmacy.storage.desk_tabs import Tab
from pharmacy.storage.tables import conversations, handovers, messages, outbox, patients, requests, suggestions


def ago(minutes: float) -> datetime:
    """Return the time so many minutes before now."""
    return datetime.now(UTC) - timedelta(minutes=minutes)


@dataclass(frozen=True)
class ADesk:
    """One pharmacy's desk in a test's own database."""

    database: Database
    pharmacy_id: str = "sakura"

    async def conversation(self, place: str, *, minutes: float = 10, name: str | None = None, **columns: Any) -> None:
        """Add a conversation whose newest message came so many minutes ago, with a patient of its own."""
        patient_id = columns.pop("patient_id", f"p-{place}")
        await self._add(patients, {"id": patient_id, "profile": {"name": name} if name else {}})
        row = {"patient_id": patient_id, "channel": "api", "phase": "intake", "last_message_at": ago(minutes)}
        await self._add(conversations, {"id": place, **row, **columns})

    async def say(self, place: str, version: int, minutes: float = 10, **columns: Any) -> None:
        """Add a message, the patient's own and with an outcome unless told otherwise."""
        row = {"id": f"m-{uuid4()}", "author": "patient", "text": "相談です", "outcome_id": uuid4()} | columns
        at = dict.fromkeys(("sent_at", "received_at", "order_at"), ago(minutes))
        await self._add(messages, {"conversation_id": place, "version": version, **at, **row})

    async def draft(self, place: str, version: int = 1, **columns: Any) -> None:
        """Add a suggestion that waits for its decision."""
        row = {"state": "open", "requested": False, "phase": "intake", "text": "t", "body": {}}
        ids = {"id": uuid4(), "run_id": uuid4(), "conversation_id": place, "version": version}
        await self._add(suggestions, ids | row | columns)

    async def case(self, place: str, tier: str | None = None, version: int = 1, **columns: Any) -> None:
        """Add an open case."""
        row = {"state": "open", "code": "triage", "tier": tier, "urgency": URGENCY[tier], "detail": "",
               "phase": "intake", "reasons": [], "drafts": []}  # fmt: skip
        await self._add(handovers, {"id": uuid4(), "conversation_id": place, "version": version, **row, **columns})

    async def text(self, place: str, hours: float | None, version: int = 1, **columns: Any) -> None:
        """Add an automatic text that was sent so many hours ago, or is held."""
        row = {"text": "t", "text_hash": "h", "recipient": "p", "author": "machine", "sent_by": "policy:1",
               "automatic": True, "state": "queued" if hours is None else "sent"}  # fmt: skip
        at = ago(60 * (hours or 0))
        ids = {"id": uuid4(), "retry_key": uuid4(), "conversation_id": place, "version": version}
        await self._add(outbox, ids | row | {"created_at": at, "sent_at": None if hours is None else at} | columns)

    async def wish(self, place: str, minutes: float = 0, **columns: Any) -> None:
        """Add a pharmacist's wish for a draft."""
        row = {"requested_by": "tanaka", "instruction": "", "created_at": ago(minutes), "version": 0}
        await self._add(requests, {"id": uuid4(), "conversation_id": place, **row, **columns})

    async def change(self, table: Table, place: str, **columns: Any) -> None:
        """Change a conversation's rows in one table."""
        of = table.c.id if table is conversations else table.c.conversation_id
        async with self.database.begin(self.pharmacy_id) as tx:
            await tx.execute(update(table).where(of == place).values(**columns))

    async def page(self, tab: Tab | None = None, *, limit: int = 50, after: str | None = None, **wanted: Any) -> Any:
        """Return a page of the list."""
        asked = desk.Wanted(tab, **wanted)
        async with self.database.begin(self.pharmacy_id) as tx:
            return await desk.list_rows(tx, self.pharmacy_id, asked, limit=limit, after=after)

    async def rows(self, tab: Tab | None = None, **wanted: Any) -> dict[str, dict[str, Any]]:
        """Return the rows of the first page by their ids, in their order."""
        return {row["id"]: row for row in (await self.page(tab, **wanted)).items}

    async def ids(self, tab: Tab | None = None, **wanted: Any) -> list[str]:
        """Return the ids of the first page, in their order."""
        return list(await self.rows(tab, **wanted))

    async def counts(self) -> dict[str, Any]:
        """Return what stands in each tab."""
        async with self.database.begin(self.pharmacy_id) as tx:
            return await desk.counts(tx, self.pharmacy_id)

    async def _add(self, table: Table, row: dict[str, Any]) -> None:
        async with self.database.begin(self.pharmacy_id) as tx:
            await tx.execute(insert(table).values(pharmacy_id=self.pharmacy_id, **row))
