"""Passwords: argon2id in a thread, a few at a time, and as much work for a name that nobody has."""

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

SHORTEST, LONGEST = 12, 128
# 46 MiB, one pass, one lane: the strongest of the equal choices that OWASP names, and two at once stay under 100 MiB.
# Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
_HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
_THREADS = ThreadPoolExecutor(2, "passwords")
_NOBODYS = _HASHER.hash(secrets.token_urlsafe(32))


async def hash_password(password: str) -> str:
    """Return what is kept of `password`."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, _normal(password))


async def matches(kept: str | None, password: str) -> bool:
    """Say whether `password` is the one whose hash is `kept`; None costs as much and is never right."""
    loop = asyncio.get_running_loop()
    right = await loop.run_in_executor(_THREADS, _verify, kept or _NOBODYS, _normal(password))
    return right and kept is not None


def ages(kept: str) -> bool:
    """Say whether a hash was made with weaker parameters than new ones are."""
    return _HASHER.check_needs_rehash(kept)


def new_password() -> str:
    """Return a password that nobody has to think up."""
    return secrets.token_urlsafe(15)


def weak(password: str, name: str) -> str | None:
    """Return why `password` is refused, or None."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"expected {SHORTEST} to {LONGEST} characters"
    if name.casefold() in password.casefold():
        return "expected a password without the account's name"
    if len(set(password)) < 5:
        return "expected at least 5 different characters"
    return None


def _normal(password: str) -> str:
    # The same characters typed on another keyboard are the same password: full-width letters among them.
    return unicodedata.normalize("NFKC", password.encode("utf-8", "replace").decode())


def _verify(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
