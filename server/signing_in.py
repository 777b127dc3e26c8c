"""Sign in with name, password and second factor: counted first, one answer and one amount of work for every refusal."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pharmacy.settings import Settings
from pharmacy.storage import access_accounts, access_attempts, access_passwords, access_sessions, access_totp, audit
from pharmacy.storage import pharmacies as pharmacy_list
from pharmacy.storage.access_attempts import Bucket
from pharmacy.storage.access_sessions import SignedIn
from pharmacy.storage.database import Transaction
from server.program import Program

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Given:
    """What somebody says to get in."""

    name: str
    password: str
    code: str = ""
    pharmacy_id: str | None = None


class SignInRefused(Exception):
    """Name, password or code are wrong; which of them is nobody's to learn."""


class TooManyAttempts(Exception):
    """The name or the address has tried too often."""


async def sign_in(program: Program, given: Given, address: str) -> str:
    """Return the token of a new session.

    Raises:
        SignInRefused: after the same work, whatever was wrong.
        TooManyAttempts: nothing was looked at.
    """
    pharmacy_id, is_one = await _pharmacy(program, given.pharmacy_id)
    buckets = (access_attempts.of_address(address), access_attempts.of_account(pharmacy_id, given.name))
    await count_attempt(program, pharmacy_id, buckets)
    async with program.database.begin(pharmacy_id) as tx:
        account = await access_accounts.named(tx, pharmacy_id, given.name) if is_one else None
    kept = account.password_hash if account is not None else None
    right = await access_passwords.matches(kept, given.password)
    old = right and kept is not None and access_passwords.ages(kept)
    newer = await access_passwords.hash_password(given.password) if old else None
    async with program.database.begin(pharmacy_id) as tx:
        token = await _enter(tx, program, account, given, right=right)
        if token is None:
            subject = account.name if account is not None else UNKNOWN
            await audit.append(tx, pharmacy_id, "sign-in", "sign_in_failed", subject, {})
        else:
            await access_attempts.forgive(tx, *buckets)
            if newer is not None and account is not None:
                await access_accounts.keep_hash(tx, account.id, newer)
    if token is None:
        raise SignInRefused
    return token


async def count_attempt(program: Program, pharmacy_id: str, buckets: tuple[Bucket, ...]) -> None:
    """Count one look at a password.

    Raises:
        TooManyAttempts: a bucket is full.
    """
    # Committed before the password is looked at: tries at once are counted like tries in a row.
    over = None
    async with program.database.begin(pharmacy_id) as tx:
        for bucket in buckets:
            attempts = await access_attempts.count(tx, bucket)
            if attempts > bucket.most:
                over = bucket
                if attempts == bucket.most + 1:
                    kind = bucket.name.partition(":")[0]
                    await audit.append(tx, pharmacy_id, "sign-in", "sign_in_limited", kind, {})
                break
        # Last: whoever holds others' counts and then waits for one of its own would close a ring.
        await access_attempts.clear_old(tx)
    if over is not None:
        raise TooManyAttempts


def idle_of(settings: Settings) -> timedelta:
    """Return how long a session may be left alone."""
    return timedelta(minutes=settings.session_idle_minutes)


async def _pharmacy(program: Program, wanted: str | None) -> tuple[str, bool]:
    own = program.settings.pharmacy_id
    if wanted is None or wanted == own:
        return own, True
    known = await pharmacy_list.served(program.database)
    return (wanted, True) if wanted in known else (own, False)


async def _enter(tx: Transaction, program: Program, seen: Any, given: Given, *, right: bool) -> str | None:
    if not right or seen is None:
        return None
    # As it is now, and held: a password changed, or an account shut, while the hash was compared lets nobody in.
    account = await access_accounts.one(tx, seen.pharmacy_id, seen.id, held=True)
    if account.disabled_at is not None or account.password_hash != seen.password_hash:
        return None
    if account.totp_confirmed_at is not None and not await access_totp.spend(tx, account, given.code):
        return None
    who = SignedIn(account.pharmacy_id, account.name, account.id)
    return await access_sessions.start_session(tx, who, "password", idle_of(program.settings))
