"""Many events of one patient, and many patients at once: committed together, and one that fails fails alone."""

import asyncio

import psycopg
import pytest

from pharmacy.storage import audit_verify
from pharmacy.storage.address import libpq
from tests.api.line_shop import LineShop
from tests.fakes.line_server.events import new_user, now_ms, said

REFUSE = """
CREATE FUNCTION refuse_a_word() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.text = '書けない語' THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$;
CREATE TRIGGER refuse_a_word BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION refuse_a_word();
"""


async def _texts(line_shop: LineShop, user_id: str) -> list[str]:
    rows = await line_shop.shop.rows(
        "SELECT text FROM messages JOIN line_contacts USING (pharmacy_id, conversation_id) "
        "WHERE user_id = :user_id AND author = 'patient' ORDER BY version", user_id=user_id,
    )  # fmt: skip
    return [row.text for row in rows]


async def _transactions(line_shop: LineShop, event_ids: list[str]) -> int:
    """Return in how many transactions the events were taken."""
    asked = "SELECT count(DISTINCT xmin::text) AS many FROM inbox WHERE event_id = ANY(:ids)"
    (found,) = await line_shop.shop.rows(asked, ids=event_ids)
    return int(found.many)


async def test_sixty_events_of_one_patient_make_sixty_messages_in_order_and_a_whole_chain(line_shop: LineShop) -> None:
    user, began = new_user(), now_ms() - 60_000
    events = [said(user, f"{number}番です", at=began + number) for number in range(60)]

    statuses = [(await line_shop.deliver(*events)).status_code for _ in range(2)]

    program = line_shop.shop.program
    async with program.database.begin(program.settings.pharmacy_id) as tx:
        verdict = await audit_verify.verify(tx, program.settings.pharmacy_id)
    assert statuses == [200, 200]
    assert await _texts(line_shop, user) == [f"{number}番です" for number in range(60)]
    assert verdict.broken is None


async def test_an_event_that_cannot_be_written_keeps_out_none_that_came_before_it(line_shop: LineShop) -> None:
    user, began = new_user(), now_ms() - 60_000
    words = ["一番です", "二番です", "書けない語", "四番です"]
    events = [said(user, word, at=began + number) for number, word in enumerate(words)]
    with psycopg.connect(libpq(line_shop.shop.program.database.owner), autocommit=True) as owner:
        await asyncio.to_thread(owner.execute, REFUSE)
        try:
            first = await line_shop.deliver(*events)
            at_first = await _texts(line_shop, user)
        finally:
            # In a thread: it waits for transactions that only this loop can end.
            await asyncio.to_thread(owner.execute, "DROP FUNCTION refuse_a_word CASCADE")

    again = await line_shop.deliver(*events)

    assert (first.status_code, again.status_code) == (500, 200)
    assert at_first == words[:2]
    assert await _texts(line_shop, user) == words


async def test_many_patients_who_write_at_once_share_transactions_and_the_refused_one_fails_alone(
    line_shop: LineShop,
) -> None:
    users = [new_user() for _ in range(40)]
    events = [said(user, "書けない語" if number == 30 else "体調の相談です") for number, user in enumerate(users)]
    with psycopg.connect(libpq(line_shop.shop.program.database.owner), autocommit=True) as owner:
        await asyncio.to_thread(owner.execute, REFUSE)
        try:
            statuses = [answer.status_code for answer in await asyncio.gather(*map(line_shop.deliver, events))]
        finally:
            # In a thread: it waits for transactions that only this loop can end.
            await asyncio.to_thread(owner.execute, "DROP FUNCTION refuse_a_word CASCADE")

    assert [number for number, status in enumerate(statuses) if status != 200] == [30]
    written = [await _texts(line_shop, user) for user in users]
    assert [number for number, texts in enumerate(written) if texts != ["体調の相談です"]] == [30]
    assert await _transactions(line_shop, [event["webhookEventId"] for event in events]) < 39


@pytest.mark.timed  # all of them have to come within the half second for which the store is held
async def test_messages_of_a_channel_share_transactions_and_the_conflicting_one_is_refused_alone(
    line_shop: LineShop,
) -> None:
    shop = line_shop.shop
    first = {"conversation_id": "c-taken", "message_id": "m-taken", "text": "体調の相談です"}
    assert (await shop.post("/v1/messages", first)).status_code == 202
    bodies = [{"conversation_id": f"c-{n}", "message_id": f"m-{n}", "text": "体調の相談です"} for n in range(30)]
    bodies[20] = first | {"text": "別の話です"}
    bodies[21] = first

    with psycopg.connect(libpq(shop.program.database.owner)) as owner:
        owner.execute("LOCK TABLE inbox IN EXCLUSIVE MODE")  # until all of them have come
        asked = [asyncio.create_task(shop.post("/v1/messages", body)) for body in bodies]
        await asyncio.sleep(0.5)
    answers = await asyncio.gather(*asked)

    assert [number for number, answer in enumerate(answers) if answer.status_code != 202] == [20]
    assert answers[20].status_code == 409
    assert [answer.json()["version"] for answer in answers if answer.status_code == 202] == [1] * 29
    assert await _transactions(line_shop, [body["message_id"] for body in bodies]) < 29


async def test_a_conversation_that_somebody_holds_keeps_no_other_patient_out(line_shop: LineShop) -> None:
    users = [new_user() for _ in range(12)]
    for user in users:
        assert (await line_shop.deliver(said(user, "体調の相談です"))).status_code == 200
    held = await line_shop.conversation_of(users[5])
    with psycopg.connect(libpq(line_shop.shop.program.database.owner)) as owner:
        owner.execute("SELECT FROM conversations WHERE id = %s FOR UPDATE", [held])
        again = (said(user, "続きです") for user in users)
        statuses = [answer.status_code for answer in await asyncio.gather(*map(line_shop.deliver, again))]

    assert statuses == [200] * 5 + [503] + [200] * 6
