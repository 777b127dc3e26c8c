"""Canned replies: kept under short names, changed by whoever has read what stands there."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from pharmacy.domain.rights import Role
from tests.api.people import browser, person
from tests.api.shop import Shop, new_id

WORDS = "{name}様、ご連絡ありがとうございます。\n確認してお返事いたします。"


async def test_a_canned_reply_is_kept_changed_and_removed(shop: Shop) -> None:
    name = f"挨拶-{new_id()}"

    made = await _put(shop, name, 0, WORDS)
    changed = await _put(shop, name, 1, "承知しました。")

    assert (made.status_code, made.json()["version"], made.json()["text"]) == (200, 1, WORDS)
    assert changed.json() in (await shop.http.get("/v1/canned-replies")).json()["items"]
    gone = await shop.http.delete(_path(name), params={"version": 2})
    assert gone.status_code == 204
    assert name not in [each["name"] for each in (await shop.http.get("/v1/canned-replies")).json()["items"]]


async def test_a_change_that_rests_on_an_older_version_is_refused(shop: Shop) -> None:
    name = new_id("canned")
    await _put(shop, name, 0, WORDS)
    await _put(shop, name, 1, "二つめ")

    refused = [
        await _put(shop, name, 0, "三つめ"),
        await _put(shop, name, 1, "三つめ"),
        await shop.http.delete(_path(name), params={"version": 1}),
    ]

    assert [(answer.status_code, answer.json()["version"]) for answer in refused] == [(409, 2)] * 3
    assert [each["text"] for each in await _kept(shop) if each["name"] == name] == ["二つめ"]


async def test_of_two_people_at_once_one_is_told(shop: Shop) -> None:
    name = new_id("canned")

    answers = await asyncio.gather(*(_put(shop, name, 0, f"{number}人め") for number in range(2)))

    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_the_same_words_again_change_nothing(shop: Shop) -> None:
    name = new_id("canned")

    answers = [await _put(shop, name, 0, WORDS) for _ in range(2)]

    assert answers[0].json() == answers[1].json()


async def test_what_somebody_else_has_removed_cannot_be_changed(shop: Shop) -> None:
    answers = [await _put(shop, "nothing", 3, WORDS), await shop.http.delete(_path("nothing"), params={"version": 3})]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize("text", ["{dose}を1日3回", "{name", "name}", "{}", "{ name }", "{{name}}", "", "あ" * 2_001])
async def test_a_blank_that_nobody_fills_or_no_words_are_refused(shop: Shop, text: str) -> None:
    answer = await _put(shop, new_id("canned"), 0, text)

    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "text"])


@pytest.mark.parametrize("name", ["a b", "あ" * 41, "{name}", "a.b", "ａ", "x\n"])
async def test_a_name_that_cannot_be_typed_in_one_go_is_refused(shop: Shop, name: str) -> None:
    answer = await _put(shop, name, 0, WORDS)

    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["path", "name"])


async def test_no_pharmacy_sees_or_changes_another_ones(shop: Shop) -> None:
    name = new_id("canned")
    await _put(shop, name, 0, WORDS)

    made = await shop.foreign.put(_path(name), json={"version": 0, "text": "よその定型文"})

    assert made.status_code == 200
    assert [each["text"] for each in await _kept(shop) if each["name"] == name] == [WORDS]
    foreign = (await shop.foreign.get("/v1/canned-replies")).json()["items"]
    assert WORDS not in [each["text"] for each in foreign]


async def test_an_engineer_neither_reads_nor_keeps_them(shop: Shop) -> None:
    async with browser(shop, await person(shop, Role.ENGINEER)) as engineer:
        answers = [await engineer.get("/v1/canned-replies"),
                   await engineer.put(_path("x"), json={"version": 0, "text": "x"}),
                   await engineer.delete(_path("x"), params={"version": 1})]  # fmt: skip

    assert [answer.status_code for answer in answers] == [403] * 3


async def test_the_audit_trail_names_no_word_of_them(shop: Shop) -> None:
    name = f"内緒-{new_id()}"
    await _put(shop, name, 0, WORDS)
    await shop.http.delete(_path(name), params={"version": 1})

    rows = await shop.rows("SELECT * FROM audit WHERE action LIKE 'canned%' ORDER BY seq DESC LIMIT 2")

    assert [row.action for row in rows] == ["canned_reply_removed", "canned_reply_put"]
    assert not any(word in str(rows) for word in (name, "ご連絡"))


def _path(name: str) -> str:
    return f"/v1/canned-replies/{quote(name, safe='')}"


async def _put(shop: Shop, name: str, version: int, text: str) -> httpx2.Response:
    return await shop.http.put(_path(name), json={"version": version, "text": text})


async def _kept(shop: Shop) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await shop.http.get("/v1/canned-replies")).json()["items"]
    return items
