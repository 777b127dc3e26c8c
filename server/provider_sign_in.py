"""Whose account it is that came back from the provider: one that exists, or one that the settings' rules make."""

import re
from typing import Any

from pharmacy.storage import access_accounts, access_provider, access_sessions, audit
from pharmacy.storage.access_accounts import NewAccount
from pharmacy.storage.access_sessions import SignedIn
from pharmacy.storage.database import Transaction
from server.program import Program
from server.provider import NotBelieved, Person
from server.signing_in import UNKNOWN, idle_of

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}", re.ASCII)


async def enter(program: Program, person: Person) -> str:
    """Return a new session's token.

    Raises:
        NotBelieved: the person has no account here, and no rule gives one; or theirs is shut.
    """
    pharmacy_id = program.settings.pharmacy_id
    async with program.database.begin(pharmacy_id) as tx:
        account = await _account(tx, pharmacy_id, person)
        if account is None or account.disabled_at is not None:
            subject = account.name if account is not None else UNKNOWN
            await audit.append(tx, pharmacy_id, "sign-in", "sign_in_failed", subject, {"by": "provider"})
            token = None
        else:
            who = SignedIn(pharmacy_id, account.name, account.id)
            token = await access_sessions.start_session(tx, who, "provider", idle_of(program.settings))
    if token is None:
        raise NotBelieved("no account here, or one that is shut")
    return token


async def _account(tx: Transaction, pharmacy_id: str, person: Person) -> Any | None:
    found = await access_provider.of_subject(tx, pharmacy_id, person.subject)
    if found is None and person.mail is not None:
        named = await access_accounts.named(tx, pharmacy_id, person.mail)
        if named is not None:
            return named if await access_provider.tie(tx, named, person.subject) else None
    if found is not None:
        return await _as_told(tx, found, person)
    if person.role is None or person.mail is None or not _NAME.fullmatch(person.mail):
        return None
    new = NewAccount(person.mail, person.role, subject=person.subject, role_from="claim")
    await access_accounts.add(tx, pharmacy_id, "provider", new)
    return await access_provider.of_subject(tx, pharmacy_id, person.subject)


async def _as_told(tx: Transaction, account: Any, person: Person) -> Any | None:
    # A role that came from the provider goes with it: who is in no group any more has no account to enter.
    if account.role_from != "claim" or account.role == person.role:
        return account
    if person.role is None:
        return None
    await access_accounts.change_rights(tx, account, "provider", person.role)
    return await access_provider.of_subject(tx, account.pharmacy_id, person.subject)
