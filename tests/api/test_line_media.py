"""Files that patients send: fetched by id from LINE alone, checked, kept behind the wall, given to whoever may read."""

from typing import Any

import pytest

from tests.api.line_shop import LineShop
from tests.fakes.line_server.events import message, new_message_id, new_user
from tests.fakes.line_server.world import Content

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 20
PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 20
GIF = b"GIF89a" + b"picture" * 20
PDF = b"%PDF-1.7\n" + b"paper" * 20
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"film" * 20
M4A = b"\x00\x00\x00\x18ftypM4A " + b"voice" * 20
ENDED = ("stored", "refused")


async def _sent(shop: LineShop, kind: str, content: Content | None, **more: Any) -> dict[str, Any]:
    """Send a message with a file and wait until it is kept or refused; return the conversation."""
    user, message_id = new_user(), new_message_id()
    if content is not None:
        shop.line.world.contents[message_id] = content
    provider = {} if kind == "file" else {"contentProvider": {"type": "line"}}
    await shop.deliver(message(user, {"type": kind, "id": message_id} | provider | more))
    return await shop.until_shown(user, lambda now: now["messages"][0]["media"]["state"] in ENDED, 20)


def _place(conversation: dict[str, Any]) -> str:
    return f"/v1/conversations/{conversation['id']}/messages/{conversation['messages'][0]['id']}/media"


@pytest.mark.parametrize(
    ("kind", "content", "kept_as"),
    [
        pytest.param("image", Content(JPEG, "image/jpeg"), "image/jpeg", id="jpeg"),
        pytest.param("image", Content(PNG, "image/png"), "image/png", id="png"),
        pytest.param("image", Content(GIF, "image/gif; x=y"), "image/gif", id="gif"),
        pytest.param("file", Content(PDF, "application/octet-stream"), "application/pdf", id="pdf"),
        pytest.param("video", Content(MP4, "video/mp4"), "video/mp4", id="film"),
        pytest.param("video", Content(MP4, "video/mp4", transcoding=["processing"]), "video/mp4", id="film-in-work"),
        pytest.param("audio", Content(M4A, "audio/x-m4a"), "audio/mp4", id="voice"),
    ],
)
async def test_a_file_is_kept_and_given_to_be_saved(
    line_shop: LineShop, kind: str, content: Content, kept_as: str
) -> None:
    shown = await _sent(line_shop, kind, content)

    given = await line_shop.shop.http.get(_place(shown))

    assert (given.status_code, given.content, given.headers["content-type"]) == (200, content.body, kept_as)
    assert given.headers["x-content-type-options"] == "nosniff"
    assert given.headers["content-disposition"].startswith("attachment; ")
    assert "sandbox" in given.headers["content-security-policy"]
    assert shown["messages"][0]["media"] | {"problem": None} == {
        "kind": kind, "state": "stored", "content_type": kept_as, "size": len(content.body), "problem": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(None, "404", id="not-found"),
        pytest.param(Content(JPEG, status=403), "403", id="forbidden"),
        pytest.param(Content(b"<svg onload='x()'/>", "image/svg+xml"), "none of", id="svg"),
        pytest.param(Content(b"<html><script>x()</script>", "text/html"), "none of", id="web-page"),
        pytest.param(Content(b"<html><script>x()</script>", "image/png"), "none of", id="web-page-as-png"),
        pytest.param(Content(PNG, "text/html"), "another name", id="png-as-web-page"),
        pytest.param(Content(b"PK\x03\x04" + b"0" * 400, "application/zip"), "none of", id="zip"),
        pytest.param(Content(b"", "image/jpeg"), "none of", id="empty"),
        pytest.param(Content(JPEG + b"0" * 10_000_001, "image/jpeg"), "larger than", id="too-large"),
        pytest.param(Content(JPEG, headers={"content-encoding": "gzip"}), "packed", id="packed"),
        pytest.param(Content(JPEG, status=302, headers={"location": "http://127.0.0.1:1/"}), "302", id="redirect"),
    ],
)  # fmt: skip
async def test_a_file_that_is_not_what_it_may_be_is_refused(
    line_shop: LineShop, content: Content | None, why: str
) -> None:
    shown = await _sent(line_shop, "image", content)

    given = await line_shop.shop.http.get(_place(shown))

    assert shown["messages"][0]["media"]["state"] == "refused"
    assert why in shown["messages"][0]["media"]["problem"]
    assert given.status_code == 404


async def test_a_film_that_line_cannot_prepare_is_refused(line_shop: LineShop) -> None:
    shown = await _sent(line_shop, "video", Content(MP4, "video/mp4", transcoding=["failed"]))

    assert "could not prepare" in shown["messages"][0]["media"]["problem"]


async def test_a_file_that_fails_once_is_fetched_again(line_shop: LineShop) -> None:
    content = Content(JPEG, status=500)
    user, message_id = new_user(), new_message_id()
    line_shop.line.world.contents[message_id] = content
    await line_shop.deliver(message(user, {"type": "image", "id": message_id, "contentProvider": {"type": "line"}}))
    asked = f"/v2/bot/message/{message_id}/content"

    async def failed() -> bool:
        return any(each.path == asked for each in line_shop.line.world.log)

    await line_shop.shop.until(failed)
    content.status = 200

    await line_shop.until_shown(user, lambda now: now["messages"][0]["media"]["state"] == "stored")


async def test_an_address_in_the_body_is_never_asked(line_shop: LineShop) -> None:
    message_id = new_message_id()
    line_shop.line.world.contents[message_id] = Content(JPEG)
    elsewhere = {"type": "external", "originalContentUrl": f"{line_shop.line.url}/ssrf", "previewImageUrl": "http://x"}

    shown = await _sent(line_shop, "image", None, id=message_id, contentProvider=elsewhere)

    assert "outside LINE" in shown["messages"][0]["media"]["problem"]
    assert not [each for each in line_shop.line.world.log if "ssrf" in each.path or message_id in each.path]


async def test_every_picture_of_a_set_is_a_message_of_its_own(line_shop: LineShop) -> None:
    user = new_user()
    ids = [new_message_id() for _ in range(3)]
    for message_id in ids:
        line_shop.line.world.contents[message_id] = Content(JPEG)

    await line_shop.deliver(*[
        message(user, {"type": "image", "id": message_id, "contentProvider": {"type": "line"},
                       "imageSet": {"id": "SET", "index": index, "total": 3}})
        for index, message_id in enumerate(ids, 1)
    ])  # fmt: skip

    await line_shop.until_shown(user, lambda now: [m["media"]["state"] for m in now["messages"]] == ["stored"] * 3)


async def test_a_file_is_given_to_its_own_pharmacy_alone(line_shop: LineShop) -> None:
    shown = await _sent(line_shop, "image", Content(JPEG))

    foreign = await line_shop.shop.foreign.get(_place(shown))
    unknown = await line_shop.shop.http.get(_place(shown).replace("/messages/", "/messages/x"))
    stranger = await line_shop.shop.stranger.get(_place(shown))

    assert (foreign.status_code, unknown.status_code, stranger.status_code) == (404, 404, 401)
