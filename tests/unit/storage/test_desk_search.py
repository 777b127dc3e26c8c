"""A search finds conversations by two Japanese letters, in any width, and takes every character for itself."""

import pytest

from pharmacy.storage.database import Database
from pharmacy.storage.desk_tabs import Tab
from pharmacy.storage.tables import messages
from tests.unit.storage.a_desk import ADesk


@pytest.fixture
async def a_desk(database: Database) -> ADesk:
    desk = ADesk(database)
    for place, name, words in (
        ("c-name", "田中 花子", "よろしくお願いします"),
        ("c-word", "佐藤 一郎", "夜になると頭が重いです"),
        ("c-width", "ﾔﾏﾀﾞ Taro", "ＡＢＣ１２３を飲みました"),
        ("c-percent", None, "効き目は50%くらい、under_score、back\\slash"),
        ("c-emoji", None, "ありがとう😊🇯🇵"),
    ):
        await desk.conversation(place, name=name)
        await desk.say(place, 1, text=words)
    return desk


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param("頭が", ["c-word"], id="two-letters-of-a-message"),
        pytest.param("花子", ["c-name"], id="two-letters-of-a-name"),
        pytest.param("頭", ["c-word"], id="one-letter"),
        pytest.param("田中\u3000花子", ["c-name"], id="full-width-space"),
        pytest.param("  花子　", ["c-name"], id="spaces-around"),
        pytest.param("ヤマダ", ["c-width"], id="full-width-finds-half-width"),
        pytest.param("ﾔﾏﾀﾞ", ["c-width"], id="half-width-finds-itself"),
        pytest.param("ｔａｒｏ", ["c-width"], id="full-width-small-finds-half-width"),
        pytest.param("abc123", ["c-width"], id="half-width-finds-full-width-capitals"),
        pytest.param("50%", ["c-percent"], id="percent-after-a-number"),
        pytest.param("％", ["c-percent"], id="full-width-percent-alone"),
        pytest.param("_", ["c-percent"], id="underscore-alone"),
        pytest.param("\\", ["c-percent"], id="backslash-alone"),
        pytest.param("%%", [], id="two-percents"),
        pytest.param("r_s", ["c-percent"], id="underscore-stands-for-itself"),
        pytest.param("r%s", [], id="percent-stands-for-itself"),
        pytest.param("😊", ["c-emoji"], id="emoji"),
        pytest.param("🇯🇵", ["c-emoji"], id="flag-of-two-characters"),
        pytest.param("P-C-NAME", ["c-name"], id="a-patients-id"),
        pytest.param("c-word", ["c-word"], id="a-conversations-id"),
        pytest.param("どこにもない", [], id="nowhere"),
        pytest.param("'; DROP TABLE messages; --", [], id="no-sql"),
        pytest.param("頭が\0", [], id="nul"),
        pytest.param("長" * 100, [], id="very-long"),
        pytest.param("\ufdfa" * 100, [], id="very-long-once-folded"),
    ],
)
async def test_a_search_finds_what_stands_there_and_nothing_else(a_desk: ADesk, words: str, found: list[str]) -> None:
    assert await a_desk.ids(words=words) == found
    assert await a_desk.ids(Tab.DONE, words=words) == found
    assert await a_desk.ids(Tab.CHECK, words=words) == []


async def test_a_search_pages_like_every_list(a_desk: ADesk) -> None:
    first = await a_desk.page(words="c-", limit=3)
    rest = await a_desk.page(words="c-", limit=3, after=first.next)

    found = [row["id"] for row in first.items + rest.items]
    assert sorted(found) == ["c-emoji", "c-name", "c-percent", "c-width", "c-word"]


async def test_words_that_were_taken_back_are_found_no_more(a_desk: ADesk) -> None:
    await a_desk.change(messages, "c-word", text="", kind="unsent")

    assert await a_desk.ids(words="頭が") == []
