"""Keys with scopes, sessions that end, attempts that are counted, codes that work once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pyotp
import pytest
from sqlalchemy import text

from pharmacy.domain.rights import EVERY_RIGHT, MAY, Right, Role
from pharmacy.storage import access, access_accounts, access_attempts, access_passwords, access_sessions, access_totp
from pharmacy.storage.access_accounts import NewAccount
from pharmacy.storage.access_sessions import SignedIn
from pharmacy.storage.database import Database
from pharmacy.storage.refusals import Conflict

Owner = psycopg.Connection[tuple[object, ...]]
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


async def _account(database: Database, name: str = "sato", role: Role = Role.LEAD, **more: Any) -> Any:
    async with database.begin(database.pharmacy_id) as tx:
        made = await access_accounts.add(tx, database.pharmacy_id, "test", NewAccount(name, role, **more))
        return await access_accounts.one(tx, database.pharmacy_id, made)


async def _session(database: Database, account_id: UUID, name: str = "sato") -> str:
    async with database.begin(database.pharmacy_id) as tx:
        return await access_sessions.start_session(tx, SignedIn(database.pharmacy_id, name, account_id), "password")


async def _caller(database: Database, token: str, *, active: bool = True) -> access.Caller | None:
    async with database.begin_without_pharmacy() as tx:
        return await access.caller_of_session(tx, token, active=active)


@pytest.mark.parametrize(
    ("role", "given", "rights"),
    [
        pytest.param(Role.MACHINE, [], MAY[Role.MACHINE], id="as-made-by-name-only"),
        pytest.param(None, [Right.READ_AUDIT], {Right.READ_AUDIT}, id="single-rights"),
        pytest.param(Role.ENGINEER, [Right.READ_WORDS], MAY[Role.ENGINEER] | {Right.READ_WORDS}, id="role-and-more"),
    ],
)
async def test_a_key_may_what_it_was_made_for(database: Database, role: Any, given: Any, rights: Any) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        key = await access.create_key(tx, database.pharmacy_id, "k", "test", role, given)

        caller = await access.caller_of_key(tx, key)

    assert caller is not None
    assert (caller.rights, caller.actor, caller.role) == (rights, "key:k", role)


async def test_a_key_from_before_there_were_scopes_keeps_what_it_could_do(database: Database, owner: Owner) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        key = await access.create_key(tx, database.pharmacy_id, "old", "test", None, ())
    owner.execute("UPDATE api_keys SET role = DEFAULT, rights = DEFAULT")

    async with database.begin_without_pharmacy() as tx:
        caller = await access.caller_of_key(tx, key)

    assert caller is not None
    assert caller.rights == MAY[Role.MACHINE]


async def test_whoever_sits_at_the_machine_may_everything(database: Database) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        link = await access.create_link(tx, database.pharmacy_id, "owner")
        token = await access.use_link(tx, link)

    assert token is not None
    caller = await _caller(database, token)
    assert caller is not None
    assert (caller.rights, caller.role, caller.account_id) == (EVERY_RIGHT, Role.ADMIN, None)


async def test_no_token_password_or_key_is_kept_readable(database: Database, owner: Owner) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        key = await access.create_key(tx, database.pharmacy_id, "k", "test")
    kept = await access_passwords.hash_password("a long enough password")
    account = await _account(database, password_hash=kept)
    token = await _session(database, account.id)

    stored = str(owner.execute("SELECT k::text, s::text, a::text, u::text FROM api_keys k, sign_ins s, accounts a, "
                               "audit u").fetchall())  # fmt: skip

    assert not [secret for secret in (key, token, "a long enough password") if secret in stored]
    assert kept.startswith("$argon2id$v=19$m=47104,t=1,p=1$")


@pytest.mark.parametrize(
    ("aged", "lives"),
    [
        pytest.param("seen_at = now() - interval '14 minutes'", True, id="idle-14-minutes"),
        pytest.param("seen_at = now() - interval '16 minutes'", False, id="idle-16-minutes"),
        pytest.param("expires_at = now() - interval '1 second'", False, id="12-hours-over"),
    ],
)
async def test_a_session_ends_by_idleness_and_by_time(
    database: Database, owner: Owner, aged: str, *, lives: bool
) -> None:
    token = await _session(database, (await _account(database)).id)
    owner.execute(f"UPDATE sign_ins SET {aged}")  # type: ignore[arg-type]

    assert (await _caller(database, token) is not None) == lives


@pytest.mark.parametrize(("active", "kept"), [(True, True), (False, False)], ids=["a-person", "the-page-itself"])
async def test_only_a_persons_doing_keeps_a_session(
    database: Database, owner: Owner, *, active: bool, kept: bool
) -> None:
    token = await _session(database, (await _account(database)).id)
    owner.execute("UPDATE sign_ins SET seen_at = now() - interval '14 minutes'")

    await _caller(database, token, active=active)

    fresh = owner.execute("SELECT seen_at > now() - interval '1 minute' FROM sign_ins").fetchall()
    assert fresh == [(kept,)]


def test_a_session_lives_twelve_hours() -> None:
    assert timedelta(hours=12) == access.SESSION_LIVES
    assert timedelta(minutes=15) == access.IDLE


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda tx, row: access_accounts.change_rights(tx, row, "test", Role.ENGINEER), id="role"),
        pytest.param(lambda tx, row: access_accounts.change_rights(tx, row, "test", rights=[]), id="rights"),
        pytest.param(lambda tx, row: access_accounts.disable(tx, row, "test"), id="disabled"),
        pytest.param(lambda tx, row: access_accounts.reset(tx, row, "test", "hash"), id="reset"),
        pytest.param(lambda tx, row: access_accounts.change_password(tx, row, "hash"), id="password"),
    ],
)
async def test_a_change_of_the_account_ends_its_sessions_and_no_others(database: Database, change: Any) -> None:
    account, other = await _account(database), await _account(database, "suzuki")
    tokens = [await _session(database, account.id), await _session(database, account.id)]
    others = await _session(database, other.id, "suzuki")

    async with database.begin(database.pharmacy_id) as tx:
        await change(tx, account)

    assert [await _caller(database, token) for token in tokens] == [None, None]
    assert await _caller(database, others) is not None


async def test_a_disabled_account_has_no_session_however_it_came_by_one(database: Database) -> None:
    account = await _account(database)
    async with database.begin(database.pharmacy_id) as tx:
        await access_accounts.disable(tx, account, "test")

    assert await _caller(database, await _session(database, account.id)) is None


async def test_the_programs_own_name_is_nobodys(database: Database) -> None:
    with pytest.raises(Conflict, match="'owner' exists"):
        await _account(database, "owner")


async def test_attempts_are_counted_over_processes_and_time(database: Database, owner: Owner) -> None:
    bucket = access_attempts.of_account("default", "sato")

    async def once() -> int:
        async with database.begin(database.pharmacy_id) as tx:
            return await access_attempts.count(tx, bucket)

    together = await asyncio.gather(*(once() for _ in range(8)))
    owner.execute("UPDATE sign_in_attempts SET since = since - interval '16 minutes'")

    assert sorted(together) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert await once() == 1


async def test_who_came_in_and_who_tries_do_not_wait_for_one_another_in_a_ring(database: Database) -> None:
    address, account = access_attempts.of_address("192.0.2.7"), access_attempts.of_account("default", "sato")
    for bucket in (address, account):
        async with database.begin(database.pharmacy_id) as tx:
            await access_attempts.count(tx, bucket)

    async def forgive() -> None:
        async with database.begin(database.pharmacy_id) as tx:
            await access_attempts.forgive(tx, address, account)

    async with database.begin(database.pharmacy_id) as tx:
        await access_attempts.count(tx, address)
        forgiving = asyncio.create_task(forgive())
        await asyncio.sleep(0.2)
        await access_attempts.count(tx, account)

    await forgiving


async def test_clearing_away_old_attempts_waits_for_nobody(database: Database, owner: Owner) -> None:
    bucket = access_attempts.of_account("default", "sato")
    async with database.begin(database.pharmacy_id) as tx:
        await access_attempts.count(tx, bucket)
    owner.execute("UPDATE sign_in_attempts SET since = since - interval '16 minutes'")

    async with database.begin(database.pharmacy_id) as holding:
        await holding.execute(text("SELECT 1 FROM sign_in_attempts FOR UPDATE"))
        async with database.begin(database.pharmacy_id) as tx:
            await access_attempts.clear_old(tx)
    async with database.begin(database.pharmacy_id) as tx:
        await access_attempts.clear_old(tx)

    assert owner.execute("SELECT count(*) FROM sign_in_attempts").fetchall() == [(0,)]


async def test_attempts_keep_neither_name_nor_address(database: Database, owner: Owner) -> None:
    async with database.begin(database.pharmacy_id) as tx:
        await access_attempts.count(tx, access_attempts.of_address("192.0.2.7"))
        await access_attempts.count(tx, access_attempts.of_account("default", "sato"))

    kept = owner.execute("SELECT bucket, attempts FROM sign_in_attempts").fetchall()

    assert [len(bucket) for bucket, _ in kept] == [32, 32]  # type: ignore[arg-type]


async def _with_factor(database: Database) -> tuple[Any, str]:
    account = await _account(database)
    async with database.begin(database.pharmacy_id) as tx:
        secret = await access_totp.begin(tx, account.id)
        assert await access_totp.confirm(tx, account.id, pyotp.TOTP(secret).at(NOW), NOW)
        return await access_accounts.one(tx, database.pharmacy_id, account.id), secret


@pytest.mark.parametrize(
    ("later", "works"),
    [
        pytest.param(0, False, id="the-same-step"),
        pytest.param(-30, False, id="a-step-before"),
        pytest.param(30, True, id="the-next-step"),
        pytest.param(59, True, id="a-clock-ahead"),
        pytest.param(90, False, id="far-ahead"),
    ],
)
async def test_a_code_works_in_its_time_and_once(database: Database, later: int, *, works: bool) -> None:
    account, secret = await _with_factor(database)
    code = pyotp.TOTP(secret).at(NOW + timedelta(seconds=later))

    async with database.begin(database.pharmacy_id) as tx:
        first = await access_totp.spend(tx, account, code, NOW)
        again = await access_totp.spend(tx, account, code, NOW)

    assert (first, again) == (works, False)


async def test_of_ten_uses_of_one_code_at_once_one_works(database: Database) -> None:
    account, secret = await _with_factor(database)
    code = pyotp.TOTP(secret).at(NOW + timedelta(seconds=30))

    async def use() -> bool:
        async with database.begin(database.pharmacy_id) as tx:
            return await access_totp.spend(tx, account, code, NOW)

    assert sorted(await asyncio.gather(*(use() for _ in range(10)))) == [False] * 9 + [True]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "12 456", " 12345", "-12345"])
async def test_what_is_no_code_is_refused(database: Database, code: str) -> None:
    account, _ = await _with_factor(database)

    async with database.begin(database.pharmacy_id) as tx:
        assert not await access_totp.spend(tx, account, code, NOW)


async def test_a_second_factor_is_taken_away_by_a_reset_only(database: Database) -> None:
    account, _ = await _with_factor(database)
    async with database.begin(database.pharmacy_id) as tx:
        with pytest.raises(Conflict, match="set already"):
            await access_totp.begin(tx, account.id)

    async with database.begin(database.pharmacy_id) as tx:
        await access_accounts.reset(tx, account, "test", "hash")
        await access_totp.begin(tx, account.id)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        pytest.param("short", "12 to 128", id="short"),
        pytest.param("x" * 129, "12 to 128", id="long"),
        pytest.param("my-SATO-password", "without the account's name", id="name-in-it"),
        pytest.param("aaaaaaaaaaaaaaab", "different", id="one-letter"),
        pytest.param("correct horse battery", None, id="good"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(password: str, expected: str | None) -> None:
    said = access_passwords.weak(password, "sato")

    assert (said is None) if expected is None else (expected in str(said))


async def test_a_password_typed_on_another_keyboard_is_the_same() -> None:
    kept = await access_passwords.hash_password("パスワードＡＢＣ１２３４")

    assert await access_passwords.matches(kept, "ﾊﾟｽﾜｰﾄﾞABC1234")
    assert not await access_passwords.matches(kept, "ﾊﾟｽﾜｰﾄﾞABC1235")
    assert not await access_passwords.matches(None, "ﾊﾟｽﾜｰﾄﾞABC1234")
