"""Signing in and out, one's own account, and the accounts and keys that an administrator keeps."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import psycopg
import pyotp
import pytest

from pharmacy.domain.rights import MAY, Right, Role
from pharmacy.settings import Settings
from pharmacy.storage import access_accounts
from server.headers import address_of
from tests.api.people import PASSWORD, browser, person
from tests.api.shop import Shop, new_id, running
from tests.fakes.openai_server import OpenAIFake

Owner = psycopg.Connection[tuple[object, ...]]


async def _codes(shop: Shop, action: str, subject: str) -> int:
    rows = await shop.rows("SELECT 1 FROM audit WHERE action = :a AND subject = :s", a=action, s=subject)
    return len(rows)


async def test_name_and_password_open_a_session_with_the_rights_of_the_role(shop: Shop) -> None:
    who = await person(shop, Role.LEAD)
    async with httpx2.AsyncClient(base_url=shop.url) as client:
        answer = await client.post("/v1/session", json=who.says())
        me = (await client.get("/v1/me")).json()

    assert answer.status_code == 200, answer.text
    assert me == answer.json()
    assert (me["actor"], me["role"], set(me["rights"])) == (f"session:{who.name}", "lead", set(MAY[Role.LEAD]))
    assert await _codes(shop, "signed_in", who.name) == 1


async def test_the_cookie_is_for_the_server_and_its_own_pages_only(shop: Shop) -> None:
    who = await person(shop)

    answer = await shop.stranger.post("/v1/session", json=who.says())

    shop.stranger.cookies.clear()
    cookie = answer.headers["set-cookie"]
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert PASSWORD not in answer.text + str(answer.headers)


async def test_signing_in_makes_a_new_session_and_never_takes_one_over(shop: Shop) -> None:
    who = await person(shop)
    async with browser(shop, who) as client:
        before = client.cookies["kakari_session"]

        await client.post("/sign-in", data={"name": who.name, "password": PASSWORD})

        after = client.cookies["kakari_session"]
        old = await shop.stranger.get("/v1/me", headers={"Cookie": f"kakari_session={before}"})
        own = await client.get("/v1/me")

    assert after != before
    assert (old.status_code, own.status_code) == (401, 200)


WRONG: list[Any] = [
    pytest.param({"password": "another password"}, id="wrong-password"),
    pytest.param({"name": "nobody-has-this"}, id="unknown-name"),
    pytest.param({"pharmacy_id": "elsewhere"}, id="another-pharmacy"),
    pytest.param({"pharmacy_id": "nowhere"}, id="unknown-pharmacy"),
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_every_refused_sign_in_is_answered_alike(shop: Shop, wrong: dict[str, Any]) -> None:
    who = await person(shop)

    answer = await shop.stranger.post("/v1/session", json=who.says() | wrong)

    assert (answer.status_code, answer.json()) == (401, {"detail": "name, password or code are wrong"})
    assert "set-cookie" not in answer.headers


async def test_a_shut_account_and_one_without_a_password_are_answered_alike(shop: Shop) -> None:
    shut, provider = await person(shop), new_id("person")
    new = access_accounts.NewAccount(provider, Role.LEAD)
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        await access_accounts.disable(tx, await access_accounts.one(tx, pharmacy_id, shut.id), "test")
        await access_accounts.add(tx, pharmacy_id, "test", new)

    answers = [
        await shop.stranger.post("/v1/session", json=shut.says()),
        await shop.stranger.post("/v1/session", json={"name": provider, "password": PASSWORD}),
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].content == answers[1].content


@pytest.mark.timed
async def test_an_unknown_name_costs_as_much_time_as_a_wrong_password(own_shop: Shop, owner: Owner) -> None:
    who = await person(own_shop)
    took: dict[str, list[float]] = {who.name: [], "nobody": []}
    for _ in range(15):
        for name, times in took.items():
            begun = time.perf_counter()
            await own_shop.stranger.post("/v1/session", json={"name": name, "password": "wrong password"})
            times.append(time.perf_counter() - begun)
            owner.execute("DELETE FROM sign_in_attempts")

    # The quickest of each: what other work on the machine adds belongs to neither.
    known, unknown = (min(times) for times in took.values())

    assert abs(known - unknown) < 0.3 * max(known, unknown), took


async def test_a_flood_against_a_name_is_stopped_even_with_the_right_password(own_shop: Shop, owner: Owner) -> None:
    who = await person(own_shop)
    wrong = await asyncio.gather(
        *(own_shop.stranger.post("/v1/session", json=who.says(password="wrong password")) for _ in range(14))
    )

    right = await own_shop.stranger.post("/v1/session", json=who.says())

    assert sorted(answer.status_code for answer in wrong) == [401] * 10 + [429] * 4
    assert (right.status_code, right.headers["retry-after"]) == (429, "900")
    assert await _codes(own_shop, "sign_in_limited", "account") == 1
    owner.execute("UPDATE sign_in_attempts SET since = since - interval '16 minutes'")
    assert (await own_shop.stranger.post("/v1/session", json=who.says())).status_code == 200


async def test_an_unknown_name_is_limited_like_a_known_one(own_shop: Shop) -> None:
    said = {"name": "nobody", "password": "wrong password"}

    answers = [(await own_shop.stranger.post("/v1/session", json=said)).status_code for _ in range(12)]

    assert answers == [401] * 10 + [429] * 2


async def test_many_names_from_one_address_are_stopped_and_forging_it_helps_nobody(own_shop: Shop) -> None:
    answers = [
        (
            await own_shop.stranger.post(
                "/v1/session",
                json={"name": f"nobody-{number}", "password": "wrong password"},
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            )
        ).status_code
        for number in range(53)
    ]

    assert answers == [401] * 50 + [429] * 3


async def test_limits_outlive_the_process(own_settings: Settings, fake: OpenAIFake) -> None:
    said = {"name": "nobody", "password": "wrong password"}
    async with running(own_settings, work=False) as before:
        for _ in range(10):
            await before.stranger.post("/v1/session", json=said)

    async with running(own_settings, work=False) as after:
        assert (await after.stranger.post("/v1/session", json=said)).status_code == 429


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        pytest.param("10.0.0.1", "198.51.100.7", "198.51.100.7", id="a-trusted-proxy"),
        pytest.param("192.0.2.9", "198.51.100.7", "192.0.2.9", id="nobodys-proxy"),
        pytest.param("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7", id="forged-before-the-proxy"),
        pytest.param("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7", id="two-proxies"),
        pytest.param("10.0.0.1", "no address", "10.0.0.1", id="no-address"),
        pytest.param("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64", id="one-subscribers-network"),
    ],
)
def test_whom_a_call_comes_from_is_told_by_trusted_proxies_only(peer: str, forwarded: str, address: str) -> None:
    from starlette.requests import Request

    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "client": (peer, 1), "headers": headers})

    assert address_of(request, Settings(trusted_proxies="10.0.0.0/8")) == address


async def test_a_failed_sign_in_is_on_record_without_what_was_typed(shop: Shop) -> None:
    who = await person(shop)
    typed = new_id("typed-by-mistake")
    await shop.stranger.post("/v1/session", json=who.says(password=f"{typed}-password"))
    await shop.stranger.post("/v1/session", json={"name": typed, "password": "wrong password"})

    rows = await shop.rows("SELECT actor || action || subject || body::text AS said FROM audit")

    assert await _codes(shop, "sign_in_failed", who.name) == 1
    assert not [row.said for row in rows if typed in row.said]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="a-program"),
        pytest.param({"Origin": "own"}, 200, id="our-page"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="another-site"),
        pytest.param({"Origin": "null"}, 403, id="an-opaque-page"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "same-site", "Origin": "own"}, 403, id="a-sister-site"),
    ],
)
async def test_nobody_is_signed_in_by_another_sites_page(shop: Shop, headers: dict[str, str], status: int) -> None:
    who = await person(shop)
    own = {name: shop.url if value == "own" else value for name, value in headers.items()}

    answer = await shop.stranger.post("/v1/session", json=who.says(), headers=own)

    shop.stranger.cookies.clear()
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        pytest.param({}, {"Origin": "own"}, 303, id="right"),
        pytest.param({}, {"Origin": "http://evil.example"}, 403, id="another-site"),
        pytest.param({}, {}, 403, id="no-origin"),
        pytest.param({"password": "wrong password"}, {"Origin": "own"}, 401, id="wrong"),
        pytest.param({"role": "admin"}, {"Origin": "own"}, 401, id="a-field-nobody-knows"),
        pytest.param({"name": ["sato", "suzuki"]}, {"Origin": "own"}, 401, id="two-names"),
        pytest.param({"password": "a\x00b"}, {"Origin": "own"}, 401, id="a-zero-byte"),
        pytest.param({"password": "x" * 5000}, {"Origin": "own"}, 401, id="too-long"),
    ],
)
async def test_the_pages_form_signs_in_from_our_own_page_only(
    shop: Shop, form: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    who = await person(shop)
    own = {name: shop.url if value == "own" else value for name, value in headers.items()}
    async with httpx2.AsyncClient(base_url=shop.url) as client:
        answer = await client.post("/sign-in", data={"name": who.name, "password": PASSWORD} | form, headers=own)

    assert answer.status_code == status, answer.text
    assert ("set-cookie" in answer.headers) == (status == 303)
    assert answer.headers.get("location", "/") == "/"


async def test_signing_out_ends_the_session_wherever_its_cookie_is(shop: Shop) -> None:
    who = await person(shop)
    async with browser(shop, who) as client:
        copied = {"Cookie": f"kakari_session={client.cookies['kakari_session']}"}

        answer = await client.post("/sign-out")
        page = await client.get("/")

    assert (answer.status_code, page.status_code) == (303, 401)
    assert page.headers["cache-control"] == "no-store"
    assert (await shop.stranger.get("/v1/me", headers=copied)).status_code == 401


async def test_a_role_taken_away_in_mid_session_holds_at_the_next_call(shop: Shop) -> None:
    who, boss = await person(shop, Role.LEAD), await person(shop, Role.ADMIN)
    async with browser(shop, who) as client, browser(shop, boss) as admin:
        before = await client.get("/v1/handovers")

        changed = await admin.patch(f"/v1/accounts/{who.id}", json={"role": "engineer"})

        after = await client.get("/v1/handovers")
    async with browser(shop, who) as again:
        signed_in_again = await again.get("/v1/handovers")
    assert (before.status_code, changed.status_code, after.status_code) == (200, 200, 401)
    assert signed_in_again.status_code == 403


async def test_a_shut_account_is_out_at_the_next_call(shop: Shop) -> None:
    who, boss = await person(shop), await person(shop, Role.ADMIN)
    async with browser(shop, who) as client, browser(shop, boss) as admin:
        changed = await admin.patch(f"/v1/accounts/{who.id}", json={"disabled": True})

        after = await client.get("/v1/handovers")

    assert (changed.status_code, after.status_code) == (200, 401)
    assert (await shop.stranger.post("/v1/session", json=who.says())).status_code == 401


async def test_a_second_factor_once_set_is_asked_and_a_code_opens_once(shop: Shop) -> None:
    who = await person(shop, Role.ADMIN)
    async with browser(shop, who) as client:
        secret = (await client.post("/v1/me/second-factor")).json()["secret"]
        unconfirmed = await shop.stranger.post("/v1/session", json=who.says())
        wrong = await client.post("/v1/me/second-factor/confirm", json={"code": "000000"})
        now = datetime.now(UTC)
        set_up = await client.post("/v1/me/second-factor/confirm", json={"code": pyotp.TOTP(secret).at(now)})
    code = pyotp.TOTP(secret).at(now + timedelta(seconds=30))

    statuses = [
        (await shop.stranger.post("/v1/session", json=who.says(**given))).status_code
        for given in ({}, {"code": pyotp.TOTP(secret).at(now)}, {"code": code}, {"code": code})
    ]

    shop.stranger.cookies.clear()
    assert (unconfirmed.status_code, wrong.status_code, set_up.status_code) == (200, 422, 200)
    assert statuses == [401, 401, 200, 401]
    assert await _codes(shop, "second_factor_set", who.name) == 1


async def test_an_administrators_reset_is_the_way_back_from_a_lost_factor(shop: Shop) -> None:
    who, boss = await person(shop, Role.LEAD), await person(shop, Role.ADMIN)
    async with browser(shop, who) as client:
        secret = (await client.post("/v1/me/second-factor")).json()["secret"]
        await client.post("/v1/me/second-factor/confirm", json={"code": pyotp.TOTP(secret).now()})
    async with browser(shop, boss) as admin:
        answer = await admin.post(f"/v1/accounts/{who.id}/reset", json={"password": "another good password"})

    again = await shop.stranger.post("/v1/session", json=who.says(password="another good password"))

    shop.stranger.cookies.clear()
    assert (answer.status_code, answer.json()["second_factor"], again.status_code) == (200, False, 200)


async def test_leads_and_admins_wait_for_their_factor_where_the_settings_ask_it(own_settings: Settings) -> None:
    strict = own_settings.model_copy(update={"second_factor": "lead_admin"})
    async with running(strict, work=False) as shop:
        who, plain = await person(shop, Role.LEAD), await person(shop)
        async with browser(shop, who) as client, browser(shop, plain) as pharmacist:
            before = await client.get("/v1/handovers")
            secret = (await client.post("/v1/me/second-factor")).json()["secret"]
            await client.post("/v1/me/second-factor/confirm", json={"code": pyotp.TOTP(secret).now()})

            after = await client.get("/v1/handovers")
            others = await pharmacist.get("/v1/handovers")

    assert (before.status_code, after.status_code, others.status_code) == (403, 200, 200)


async def test_a_new_password_ends_every_session_but_the_one_it_starts(shop: Shop) -> None:
    who = await person(shop)
    async with browser(shop, who) as client, browser(shop, who) as elsewhere:
        wrong = await client.post("/v1/me/password", json={"password": "wrong", "new_password": "a new password 1"})
        weak = await client.post("/v1/me/password", json={"password": PASSWORD, "new_password": "short"})
        taken = await client.post("/v1/me/password", json={"password": PASSWORD, "new_password": "a new password 1"})

        statuses = [(await each.get("/v1/me")).status_code for each in (client, elsewhere)]

    assert (wrong.status_code, weak.status_code, taken.status_code) == (422, 422, 200)
    assert statuses == [200, 401]
    assert "a new password 1" not in weak.text + taken.text


async def test_an_administrator_makes_an_account_that_can_sign_in(shop: Shop) -> None:
    boss, name = await person(shop, Role.ADMIN), new_id("new")
    async with browser(shop, boss) as admin:
        body = {"name": name, "role": "engineer", "rights": ["read_words"], "password": "a good long password"}
        made = await admin.post("/v1/accounts", json=body)
        again = await admin.post("/v1/accounts", json=body)
        shown = await admin.get(f"/v1/accounts/{made.json()['id']}")
        everyone = (await admin.get("/v1/accounts")).json()["items"]

    session = await shop.stranger.post("/v1/session", json={"name": name, "password": "a good long password"})
    shop.stranger.cookies.clear()
    assert (made.status_code, again.status_code) == (201, 409)
    assert shown.json() == made.json()
    assert made.json() in everyone
    assert set(session.json()["rights"]) == MAY[Role.ENGINEER] | {Right.READ_WORDS}
    assert not [word for word in ("argon2", "a good long password") if word in made.text + str(everyone)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("PATCH", "", {"role": "lead"}, id="another-role"),
        pytest.param("PATCH", "", {"rights": ["decide"]}, id="more-rights"),
        pytest.param("PATCH", "", {"disabled": True}, id="shut-oneself-out"),
        pytest.param("POST", "/reset", {"password": "a good long password"}, id="reset"),
    ],
)
async def test_nobody_changes_their_own_rights(shop: Shop, method: str, path: str, body: dict[str, Any]) -> None:
    boss = await person(shop, Role.ADMIN)
    async with browser(shop, boss) as admin:
        answer = await admin.request(method, f"/v1/accounts/{boss.id}{path}", json=body)

    assert answer.status_code == 409


async def test_an_administrator_makes_and_revokes_keys_and_not_the_one_in_hand(shop: Shop) -> None:
    boss, name = await person(shop, Role.ADMIN), new_id("key")
    async with browser(shop, boss) as admin:
        made = (await admin.post("/v1/keys", json={"name": name, "rights": ["read_audit", "manage_keys"]})).json()
        bearer = {"Authorization": f"Bearer {made['key']}"}
        listed = [key for key in (await admin.get("/v1/keys")).json()["items"] if key["name"] == name]
        lacking = await shop.stranger.get("/v1/handovers", headers=bearer)
        own = await shop.stranger.delete(f"/v1/keys/{name}", headers=bearer)
        revoked = await admin.delete(f"/v1/keys/{name}")
        after = await shop.stranger.get("/v1/keys", headers=bearer)

    assert [(key["role"], key["rights"]) for key in listed] == [(None, ["manage_keys", "read_audit"])]
    assert made["key"] not in str(listed)
    assert [each.status_code for each in (lacking, own, revoked, after)] == [403, 409, 204, 401]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"role": "machine"}, id="a-machines-role"),
        pytest.param({"role": "owner"}, id="no-role"),
        pytest.param({"role": "lead", "rights": ["everything"]}, id="no-right"),
        pytest.param({"role": "lead", "pharmacy_id": "elsewhere"}, id="another-pharmacy"),
        pytest.param({"role": "lead", "password": "short"}, id="weak"),
        pytest.param({"role": "lead", "name": "Sato Hanako"}, id="odd-name"),
        pytest.param({"role": "lead", "totp_confirmed_at": "2026-01-01"}, id="inner-field"),
    ],
)
async def test_an_account_that_does_not_fit_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    async with browser(shop, await person(shop, Role.ADMIN)) as admin:
        answer = await admin.post("/v1/accounts", json={"name": new_id("new")} | body)

    assert answer.status_code == 422, answer.text
