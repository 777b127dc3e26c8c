"""Contacts in outgoing texts: only what the pharmacy publishes itself."""

import pytest

from pharmacy.domain.gates.claims import LintContext, lint

OURS = LintContext(
    allowed_contacts=frozenset({"https://kakari.example.jp", "0120-000-111", "support@kakari.example.jp"})
)


def _held(text: str, context: LintContext = OURS) -> bool:
    return any(hit.rule == "contact.unlisted" for hit in lint(text, context))


@pytest.mark.parametrize(
    "contact",
    [
        "https://kakari.example.jp",
        "kakari.example.jp/guide",
        "https://KAKARI.example.jp/a?b=1",
        "0120-000-111",
        "０１２０－０００－１１１",
        "0120(000)111",
        "support@kakari.example.jp",
    ],
)
def test_a_published_contact_may_be_sent(contact: str) -> None:
    assert not _held(f"ご連絡は {contact} へお願いします。")


@pytest.mark.parametrize(
    "contact",
    [
        "https://kakari.example.jp.evil.test",
        "https://kakari.example.jp@evil.test/",
        "http://evil.test/?u=kakari.example.jp",
        "https://kakari.example.jpx",
        "0120-000-112",
        "090-1234-5678",
        "０９０　１２３４　５６７８",
        "〇九〇の一二三四の五六七八",
        "+81 90 1234 5678",
        "x@evil.test",
        "x＠evil．com",
        "x [at] evil [dot] com",
        "evil . com",
        "bit.ly/3x",
        "LINE ID: kampo_x",
        "hxxps://evil.test",
        "tel:0312345678",
        "@kampo_shop",
        "ＷＷＷ．ＥＶＩＬ．ＣＯＭ",
    ],
)
def test_any_other_contact_is_held(contact: str) -> None:
    assert _held(f"ご連絡は {contact} へお願いします。")


@pytest.mark.parametrize(
    "text",
    [
        "息苦しさがあれば、すぐに119へ連絡してください。",
        "夜間は#7119に相談できます。",
        "お問い合わせ番号は 4567-8901-2345 です。",
        "ご注文番号 20261122-0415 の品です。",
        "郵便番号は060-0001ですね。",
        "合計は3,980円です。",
        "12月29日から1月3日までお休みです。",
        "1日2〜3回に分けてお飲みください。",
        "体温は37.2℃ですね。",
    ],
)
def test_numbers_that_reach_nobody_may_be_sent(text: str) -> None:
    assert not _held(text, LintContext())
