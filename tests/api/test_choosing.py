"""The language is changed and one is back where one was: at an address of ours, whatever the browser was told."""

import pytest

from server.console.choosing import own_address
from tests.api.shop import Shop


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("http://127.0.0.1:8000/?tab=person&c=c-1", "/?tab=person&c=c-1"),
        ("/numbers?days=30", "/numbers?days=30"),
        ("https://evil.example/policy", "/policy"),
        ("//evil", "/"), ("///evil", "/evil"), ("/\\evil", "/"), ("\\\\evil", "/"), ("https:", "/"),
        ("https:evil", "/"),
        ("http://127.0.0.1:8000//evil", "/"), ("http://127.0.0.1:8000/\\evil", "/"), ("/\t/evil", "/"),
        ("/\n/evil", "/"),
        ("javascript:alert(1)", "/"), ("", "/"), ("http://[", "/"), ("/" + "a" * 3_000, "/"), ("/ü", "/"),
    ],
)  # fmt: skip
def test_the_way_back_is_a_path_of_this_site(told: str, expected: str) -> None:
    assert own_address(told) == expected


@pytest.mark.parametrize(
    ("page", "back"),
    [
        pytest.param("/policy", "/policy", id="another-page"),
        pytest.param("/?tab=done&q=%E8%91%9B", "/?tab=done&q=%E8%91%9B", id="a-view-of-the-desk"),
        pytest.param("/policy/review", "/", id="an-answer-to-a-form"),
        pytest.param("/nowhere", "/", id="no-page"),
    ],
)
async def test_the_language_is_kept_and_the_page_comes_back(shop: Shop, page: str, back: str) -> None:
    headers = {"Origin": shop.url, "Referer": shop.url + page}

    answer = await shop.stranger.post("/desk/language", data={"language": "en"}, headers=headers)

    assert (answer.status_code, answer.headers["location"]) == (303, back)
    assert answer.headers["set-cookie"].startswith("kakari_language=en;")


async def test_another_site_cannot_change_the_language(shop: Shop) -> None:
    answer = await shop.stranger.post(
        "/desk/language", data={"language": "en"}, headers={"Origin": "https://evil.example"}
    )

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
