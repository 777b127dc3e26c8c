"""Play a day of sample patients against an empty database, so that a newcomer sees Kakari at work."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pharmacy.storage import decisions, desk, notes, people, reading, sample_past
from pharmacy.storage.access import Caller
from pharmacy.storage.background import end
from pharmacy.storage.decisions import Decision
from pharmacy.storage.refusals import StoreError
from server import deciding, letting
from server.asks import MessageIn, ProfileBody, Respond
from server.demo.month import month
from server.letting import PolicyIn
from server.program import Program
from server.taking import take_message

DAY = Path(__file__).with_name("day.json")
_PHARMACIST = "session:森田"

log = logging.getLogger(__name__)


@asynccontextmanager
async def demo_beside(program: Program, *, wanted: bool) -> AsyncIterator[None]:
    """Play the demo while the body runs, if it is wanted and the database is empty."""
    if not wanted:
        yield
        return
    if not await _empty(program):
        print("The database is not empty: no sample patients are added.", flush=True)
        yield
        return
    async with program.database.begin(program.settings.pharmacy_id) as tx:
        await sample_past.write(tx, program.settings.pharmacy_id, month(datetime.now(UTC)))
    print("Sample patients write during the next minutes; the month before them is made up.", flush=True)
    playing = asyncio.create_task(_play(program), name="demo")
    try:
        yield
    finally:
        await end(playing)


async def _empty(program: Program) -> bool:
    async with program.database.begin(program.settings.pharmacy_id) as tx:
        page = await desk.list_rows(tx, program.settings.pharmacy_id, desk.Wanted(), limit=1, after=None)
    return not page.items


async def _play(program: Program) -> None:
    by = Caller(program.settings.pharmacy_id, _PHARMACIST)
    day = json.loads(DAY.read_text(encoding="utf-8"))
    async with program.database.begin(by.pharmacy_id) as tx:
        for patient_id, profile in day["patients"].items():
            checked = ProfileBody.model_validate(profile).model_dump(mode="json")
            await people.put_patient(tx, by.pharmacy_id, patient_id, checked)
    for event in day["events"]:
        await asyncio.sleep(event["after_seconds"])
        try:
            await _happen(program, by, event)
        except StoreError as error:
            log.warning("demo_event_skipped reason=%s", error)


async def _happen(program: Program, by: Caller, event: dict[str, Any]) -> None:
    conversation_id = f"{event.get('patient')}-chat"
    if "decide" in event:
        await _decide(program, by, event)
    elif "lets" in event:
        await _let(program, by, event)
    elif "note" in event:
        async with program.database.begin(by.pharmacy_id) as tx:
            await notes.write(tx, by.pharmacy_id, conversation_id, by.actor, event["note"])
    elif "take_over" in event:
        await deciding.take_over(program, by, conversation_id)
        await deciding.respond(program, by, conversation_id, await _answer(program, by, event))
    else:
        await _write(program, by, event)


async def _let(program: Program, by: Caller, event: dict[str, Any]) -> None:
    """Let what the event names go out by itself, once a person has had time to cancel it."""
    async with program.database.begin(by.pharmacy_id) as tx:
        now = await letting.shown(tx, program, by)
    wanted = now["policy"].model_dump() | {"modes": event["lets"], "hold_seconds": event["hold_seconds"]}
    policy = PolicyIn.model_validate({"version": now["version"], "reason": event["why"], "policy": wanted})
    await letting.set_policy(program, by, policy)


async def _answer(program: Program, by: Caller, event: dict[str, Any]) -> Respond:
    async with program.database.begin(by.pharmacy_id) as tx:
        conversation = await reading.one_conversation(tx, by.pharmacy_id, f"{event['patient']}-chat")
    return Respond(version=conversation["version"], text=event["take_over"])


async def _write(program: Program, by: Caller, event: dict[str, Any]) -> None:
    patient_id = event["patient"]
    body = MessageIn.model_validate(
        {"conversation_id": f"{patient_id}-chat", "text": event["text"], "patient": {"id": patient_id}}
    )
    raw = json.dumps(event, ensure_ascii=False).encode()
    await take_message(program, by, body, raw, f"demo-{uuid4()}", datetime.now(UTC))


async def _decide(program: Program, by: Caller, event: dict[str, Any]) -> None:
    """Act as a pharmacist on the conversation's open suggestion, if the flow made one."""
    async with program.database.begin(by.pharmacy_id) as tx:
        conversation = await reading.one_conversation(tx, by.pharmacy_id, f"{event['patient']}-chat")
        suggestion = conversation["suggestion"]
        if suggestion is None:
            return
        decision, suggestion_id = Decision(by.pharmacy_id, by.actor, suggestion["version"]), UUID(suggestion["id"])
        if event["decide"] == "edit":
            text = suggestion["text"] + event["adds"]
            await decisions.edit(
                tx, program.jobs, decision, suggestion_id, text, reason="demo", category=None, phase=None
            )
        else:
            await decisions.approve(tx, program.jobs, decision, suggestion_id)
