"""Many events of one patient in one body: committed together, and one that fails takes none of the others along."""

import psycopg

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
        owner.execute(REFUSE)
        try:
            first = await line_shop.deliver(*events)
            at_first = await _texts(line_shop, user)
        finally:
            owner.execute("DROP FUNCTION refuse_a_word CASCADE")

    again = await line_shop.deliver(*events)

    assert (first.status_code, again.status_code) == (500, 200)
    assert at_first == words[:2]
    assert await _texts(line_shop, user) == words
