"""The desk: each conversation in one tab, in its order, paged without loss, and asleep only where that is safe."""

from typing import Any

import pytest

from pharmacy.storage.database import Database
from pharmacy.storage.desk_tabs import Tab
from pharmacy.storage.paging import CursorUnreadable
from pharmacy.storage.tables import conversations, handovers, suggestions
from tests.unit.storage.a_desk import ADesk, ago

LATER = ago(-60)


@pytest.fixture
def a_desk(database: Database) -> ADesk:
    return ADesk(database)


async def _held(desk: ADesk, place: str) -> None:
    await desk.text(place, None)


async def _sent_lately(desk: ADesk, place: str) -> None:
    await desk.text(place, 23)


async def _sent_long_ago(desk: ADesk, place: str) -> None:
    await desk.text(place, 25)


async def _answered_by_a_person_since(desk: ADesk, place: str) -> None:
    await desk.text(place, 3)
    await desk.text(place, 2, automatic=False)


async def _a_draft(desk: ADesk, place: str) -> None:
    await desk.draft(place)


async def _a_draft_in_writing(desk: ADesk, place: str) -> None:
    await desk.say(place, 1, outcome_id=None)


async def _a_wish(desk: ADesk, place: str) -> None:
    await desk.wish(place)


async def _a_wish_long_ago(desk: ADesk, place: str) -> None:
    await desk.wish(place, minutes=11)


async def _a_wish_let_go(desk: ADesk, place: str) -> None:
    await desk.wish(place, dropped_at=ago(0))


async def _a_decided_draft(desk: ADesk, place: str) -> None:
    await desk.draft(place, state="approved")


async def _a_case(desk: ADesk, place: str) -> None:
    await desk.case(place)


async def _a_closed_case(desk: ADesk, place: str) -> None:
    await desk.case(place, state="resolved")


async def _taken_over(desk: ADesk, place: str) -> None:
    await desk.change(conversations, place, taken_over_by="tanaka")


@pytest.mark.parametrize(
    ("made", "tab"),
    [
        pytest.param([], Tab.DONE, id="nothing"),
        pytest.param([_a_draft], Tab.CHECK, id="open-draft"),
        pytest.param([_a_draft_in_writing], Tab.CHECK, id="message-without-outcome"),
        pytest.param([_a_wish], Tab.CHECK, id="draft-asked-for"),
        pytest.param([_a_wish_long_ago], Tab.DONE, id="draft-asked-for-and-forgotten"),
        pytest.param([_a_wish_let_go], Tab.DONE, id="wish-let-go"),
        pytest.param([_a_decided_draft], Tab.DONE, id="decided-draft"),
        pytest.param([_a_case], Tab.PERSON, id="open-case"),
        pytest.param([_a_closed_case], Tab.DONE, id="closed-case"),
        pytest.param([_taken_over], Tab.PERSON, id="taken-over"),
        pytest.param([_held], Tab.AUTOMATIC, id="held"),
        pytest.param([_sent_lately], Tab.AUTOMATIC, id="sent-by-itself-lately"),
        pytest.param([_sent_long_ago], Tab.DONE, id="sent-by-itself-long-ago"),
        pytest.param([_answered_by_a_person_since], Tab.DONE, id="answered-by-a-person-since"),
        pytest.param([_held, _a_draft], Tab.CHECK, id="check-before-automatic"),
        pytest.param([_sent_lately, _a_draft_in_writing], Tab.CHECK, id="newer-message-before-automatic"),
        pytest.param([_a_draft, _a_case], Tab.PERSON, id="person-before-check"),
        pytest.param([_taken_over, _held, _a_draft], Tab.PERSON, id="person-before-all"),
    ],
)
async def test_each_conversation_stands_in_exactly_one_tab(a_desk: ADesk, made: list[Any], tab: Tab) -> None:
    await a_desk.conversation("c")
    for make in made:
        await make(a_desk, "c")

    found = [each for each in Tab if await a_desk.ids(each)]

    assert found == [tab]
    assert (await a_desk.rows())["c"]["tab"] == tab
    assert (await a_desk.counts())["tabs"] == {each: int(each is tab) for each in Tab}


async def test_in_person_the_most_pressing_tier_is_first_and_then_who_waits_longest(a_desk: ADesk) -> None:
    for place, tier, minutes in (
        ("none", None, 90), ("h", "H", 80), ("u-short", "U", 5), ("u-long", "U", 60), ("e", "E", 1),
    ):  # fmt: skip
        await a_desk.conversation(place)
        await a_desk.say(place, 1, minutes)
        await a_desk.case(place, tier)
    await a_desk.conversation("held", taken_over_by="tanaka")
    await a_desk.say("held", 1, 85)

    assert await a_desk.ids(Tab.PERSON) == ["e", "u-long", "u-short", "h", "none", "held"]
    assert (await a_desk.counts())["emergencies"] == 1


async def test_in_check_who_waits_longest_is_first_whoever_wrote_last(a_desk: ADesk) -> None:
    for place, first, last in (("b", 50, 1), ("a", 40, 30), ("c", 60, 2)):
        await a_desk.conversation(place, minutes=last)
        await a_desk.say(place, 1, first)
        await a_desk.say(place, 2, last)
        await a_desk.draft(place, 2)

    assert await a_desk.ids(Tab.CHECK) == ["c", "b", "a"]


@pytest.mark.parametrize("tab", [Tab.AUTOMATIC, Tab.DONE])
async def test_elsewhere_the_newest_message_is_first(a_desk: ADesk, tab: Tab) -> None:
    for place, minutes in (("b", 50), ("a", 40), ("c", 60)):
        await a_desk.conversation(place, minutes=minutes)
        if tab is Tab.AUTOMATIC:
            await a_desk.text(place, minutes / 60)

    assert await a_desk.ids(tab) == ["a", "b", "c"]


async def test_a_row_says_what_makes_a_pharmacist_open_it(a_desk: ADesk) -> None:
    await a_desk.conversation("c", name="田中 花子", channel="line", version=3, claimed_by="sato", category="follow_up")
    await a_desk.say("c", 1, 90)
    await a_desk.say("c", 1, 80, author="pharmacist", text="承知しました", sent_by="sato", kind="text")
    await a_desk.say("c", 2, 30)
    await a_desk.say("c", 3, 20, text="頭が痛い" * 100)
    await a_desk.case("c", "U", 3, code="red_flag", acknowledged_at=ago(0))

    row = (await a_desk.rows(Tab.PERSON))["c"]

    assert (row["patient_name"], row["channel"], row["phase"], row["category"]) == (
        "田中 花子",
        "line",
        "intake",
        "follow_up",
    )
    assert (row["tier"], row["reason_code"], row["acknowledged"], row["claimed_by"]) == ("U", "red_flag", True, "sato")
    assert (row["last_message"]["author"], row["last_message"]["text"]) == ("patient", ("頭が痛い" * 100)[:120])
    assert row["unanswered"] == 2
    assert abs((ago(30) - _time(row["waiting_since"])).total_seconds()) < 30


async def test_a_row_of_a_patient_who_is_not_known_and_has_said_nothing_is_shown(a_desk: ADesk) -> None:
    await a_desk.conversation("c")

    row = (await a_desk.rows())["c"]

    assert (row["patient_name"], row["last_message"], row["unanswered"], row["waiting_since"]) == (None, None, 0, None)
    assert (row["reason_code"], row["acknowledged"]) == (None, None)


@pytest.mark.parametrize(
    ("settled", "by_machines", "unanswered"),
    [
        pytest.param({"author": "pharmacist"}, True, 1, id="a-persons-reply"),
        pytest.param({"author": "machine"}, True, 1, id="a-machines-reply"),
        pytest.param({"author": "machine", "kind": "fixed"}, True, 3, id="words-of-receipt-are-no-answer"),
        pytest.param({"author": "pharmacist"}, False, 1, id="a-persons-reply-where-only-persons-count"),
        pytest.param({"author": "machine"}, False, 3, id="a-machines-reply-where-only-persons-count"),
    ],
)
async def test_messages_that_were_read_by_what_was_sent_are_answered(
    a_desk: ADesk, settled: dict[str, str], by_machines: bool, unanswered: int
) -> None:
    await a_desk.conversation("c", version=3)
    for version in (1, 2, 3):
        await a_desk.say("c", version, 40 - version)
    await a_desk.say("c", 2, 1, **settled)  # on its way while the third came
    await a_desk.draft("c", 3)

    row = (await a_desk.rows(answered_by_machines=by_machines))["c"]

    assert row["unanswered"] == unanswered


async def test_what_was_settled_without_words_does_not_wait_and_is_not_counted_again(a_desk: ADesk) -> None:
    for place, settle in (
        ("refused", a_desk.draft("refused", 1, state="rejected", decision={"code": "handled"})),
        ("closed", a_desk.case("closed", version=1, state="resolved")),
        ("disliked", a_desk.draft("disliked", 1, state="rejected", decision={"code": "tone"})),
    ):
        await a_desk.conversation(place, version=2)
        await a_desk.say(place, 1, 9_000)
        await settle
        await a_desk.say(place, 2, 5)
        await a_desk.draft(place, 2)

    rows = await a_desk.rows(Tab.CHECK)

    assert {place: row["unanswered"] for place, row in rows.items()} == {"disliked": 2, "refused": 1, "closed": 1}


async def test_a_message_that_its_patient_took_back_waits_for_no_answer(a_desk: ADesk) -> None:
    await a_desk.conversation("c")
    await a_desk.say("c", 1, kind="unsent", text="")
    await a_desk.case("c", version=2, code="unsent")

    row = (await a_desk.rows(Tab.PERSON))["c"]

    assert (row["unanswered"], row["waiting_since"]) == (0, None)


async def test_a_snooze_hides_everything_but_emergencies_and_urgent_cases(a_desk: ADesk) -> None:
    for place, tier in (("e", "E"), ("u", "U"), ("h", "H"), ("none", None)):
        await a_desk.conversation(place, snoozed_until=LATER)
        await a_desk.case(place, tier)
    await a_desk.conversation("awake", snoozed_until=ago(1))
    await a_desk.draft("awake")

    assert await a_desk.ids(Tab.PERSON, asleep=False) == ["e", "u"]
    assert await a_desk.ids(Tab.PERSON, asleep=True) == ["h", "none"]
    assert await a_desk.ids(Tab.CHECK, asleep=False) == ["awake"]
    found = await a_desk.counts()
    assert (found["tabs"], found["snoozed"]) == ({"person": 2, "check": 1, "automatic": 0, "done": 0}, 2)


async def test_pages_lose_and_repeat_nothing_while_rows_change_their_tab(a_desk: ADesk) -> None:
    for number in range(9):
        await a_desk.conversation(f"c{number}")
        await a_desk.say(f"c{number}", 1, 100 - number // 3)  # three at a time have waited about as long
        await a_desk.case(f"c{number}", "E" if number < 4 else None)
    seen: list[str] = []
    after = None

    for gone in ("c0", "c1", "c8", "c4", None):
        page = await a_desk.page(Tab.PERSON, limit=2, after=after)
        seen += [row["id"] for row in page.items]
        if gone:
            await a_desk.change(handovers, gone, state="resolved")
        await a_desk.conversation(f"new-{gone}")
        await a_desk.draft(f"new-{gone}")
        if (after := page.next) is None:
            break

    assert seen == [f"c{number}" for number in range(8)]


@pytest.mark.parametrize("tab", [Tab.CHECK, Tab.AUTOMATIC, Tab.DONE, None])
async def test_pages_of_every_list_hold_every_row_once_where_times_are_equal(a_desk: ADesk, tab: Tab | None) -> None:
    for place in "abcde":
        await a_desk.conversation(place)
        if tab is Tab.CHECK:
            await a_desk.draft(place)
        if tab is Tab.AUTOMATIC:
            await a_desk.text(place, 1)
    for table, column in ((conversations, "last_message_at"), (suggestions, "created_at")):
        for place in "abcde":
            await a_desk.change(table, place, **{column: ago(30).replace(second=0, microsecond=0)})
    seen: list[str] = []
    after = None

    for _ in range(3):
        page = await a_desk.page(tab, limit=2, after=after)
        seen += [row["id"] for row in page.items]
        after = page.next

    assert (sorted(seen), after) == (list("abcde"), None)


async def test_a_place_in_one_tab_is_no_place_in_another(a_desk: ADesk) -> None:
    for place in "ab":
        await a_desk.conversation(place)
    of_done = (await a_desk.page(Tab.DONE, limit=1)).next

    for tab in (Tab.CHECK, Tab.PERSON, Tab.AUTOMATIC, None):
        with pytest.raises(CursorUnreadable):
            await a_desk.page(tab, after=of_done)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param({"phase": "taking"}, ["b"], id="phase"),
        pytest.param({"category": "follow_up"}, ["c"], id="category"),
        pytest.param({"channel": "line"}, ["a"], id="channel"),
        pytest.param({"tier": "U"}, ["b"], id="tier"),
        pytest.param({"held_by": "tanaka"}, ["a", "c"], id="claimed-or-taken-over"),
        pytest.param({"held_by": "tanaka", "channel": "line"}, ["a"], id="two-at-once"),
        pytest.param({"patient_id": "p-b"}, ["b"], id="patient"),
    ],
)
async def test_a_list_is_narrowed(a_desk: ADesk, wanted: dict[str, str], found: list[str]) -> None:
    await a_desk.conversation("a", channel="line", taken_over_by="tanaka")
    await a_desk.conversation("b", phase="taking", claimed_by="sato")
    await a_desk.conversation("c", category="follow_up", claimed_by="tanaka")
    for place, tier in (("a", "H"), ("b", "U"), ("c", "E")):
        await a_desk.case(place, tier)

    assert sorted(await a_desk.ids(Tab.PERSON, **wanted)) == found
    assert sorted(await a_desk.ids(**wanted)) == found


async def test_another_pharmacys_rows_are_never_seen(a_desk: ADesk, database: Database) -> None:
    elsewhere = ADesk(database, "momiji")
    for desk in (a_desk, elsewhere):
        await desk.conversation("c", name=f"{desk.pharmacy_id}の患者")
        await desk.say("c", 1, text=f"{desk.pharmacy_id}です")
    await elsewhere.case("c", "E")
    await elsewhere.conversation("only-there")

    assert {place: row["tab"] for place, row in (await a_desk.rows()).items()} == {"c": "done"}
    assert (await a_desk.rows())["c"]["patient_name"] == "sakuraの患者"
    assert await a_desk.ids(words="momiji") == []
    assert await a_desk.counts() == {
        "tabs": {"person": 0, "check": 0, "automatic": 0, "done": 1}, "snoozed": 0, "emergencies": 0,
    }  # fmt: skip


def _time(words: str) -> Any:
    return type(LATER).fromisoformat(words)
