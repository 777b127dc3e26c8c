"""How an alarm leaves the house: a signed POST, and mail; ids, codes and a link only."""

import asyncio
import hashlib
import json
import smtplib
import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2

from pharmacy.channels.signed_post import Poster, signed

TIMEOUT_SECONDS = 10.0
_SUBJECTS = {
    "case": "Kakari: a case waits",
    "not_sent": "Kakari: a message could not be sent",
    "stepped_back": "Kakari: a teacher serves again",
}


@dataclass(frozen=True)
class Route:
    """Where alarms go: one address to post to, some to write to; either may be missing."""

    url: str | None = None
    mail_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alarm:
    """What is told."""

    id: str
    """A UUID, the same for every attempt, by which the receiver drops repeats."""

    kind: str
    pharmacy_id: str
    conversation_id: str
    handover_id: str | None
    tier: str | None
    category: str
    level: int
    """0 at first; from 1 on nobody has acknowledged it in time, and the wider circle hears of it."""

    age_seconds: int
    link: str | None


@dataclass(frozen=True)
class Told:
    """What became of one attempt to tell everybody."""

    heard: frozenset[str]
    """The marks of the addresses that have heard of it, by now or before."""

    problems: tuple[str, ...]
    """What went wrong with the others; empty when nobody is left."""


class AlarmChannel:
    """Tells alarms: the first circle always, the wider one from level 1 on."""

    def __init__(
        self, first: Route, wider: Route, *, secret: str = "", smtp_url: str = "", mail_from: str = "",
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        self.first = first
        self.wider = wider
        self._secret = secret.encode()
        self._smtp = urlsplit(smtp_url) if smtp_url else None
        self._mail_from = mail_from
        self._poster = Poster(timeout_seconds)

    @property
    def reaches_nobody(self) -> bool:
        """Return whether no alarm can leave the house at all."""
        return not (self.urls(0) or self.mails(0))

    def urls(self, level: int) -> tuple[str, ...]:
        """Return where an alarm of `level` is posted."""
        return tuple(url for url in (self.first.url, self.wider.url if level else None) if url)

    def mails(self, level: int) -> tuple[str, ...]:
        """Return who is written to about an alarm of `level`."""
        return (*self.first.mail_to, *(self.wider.mail_to if level else ())) if self._smtp else ()

    async def tell(self, alarm: Alarm, heard: Collection[str]) -> Told:
        """Tell the alarm to everybody of its level who has not heard of it: a dead address repeats it to no other.

        Args:
            heard: the marks that `Told.heard` gave before.
        """
        urls = _deaf(self.urls(alarm.level), heard)
        mails = _deaf(self.mails(alarm.level), heard)
        posted, mailed = await asyncio.gather(self._post_all(alarm, urls), self._mail_all(alarm, mails))
        now = {mark(address) for address in (*urls, *mails)} - {mark(address) for address in (*posted, *mailed)}
        return Told(frozenset(heard) | now, tuple(dict.fromkeys((*posted.values(), *mailed.values()))))

    async def _post_all(self, alarm: Alarm, urls: Sequence[str]) -> dict[str, str]:
        """Post the alarm; return what went wrong at which address.

        Headers: `X-Kakari-Retry-Key`, and `X-Kakari-Signature: sha256=<hex HMAC-SHA256 of the raw body>`.
        A 2xx and a 409 (taken before, under the same key) both mean told.
        """
        body = json.dumps(_body(alarm)).encode()
        headers = signed(self._secret, body, alarm.id)
        told = await asyncio.gather(*(self._post(url, body, headers) for url in urls))
        return {url: problem for url, problem in zip(urls, told, strict=True) if problem}

    async def _mail_all(self, alarm: Alarm, to: Sequence[str]) -> dict[str, str]:
        """Write the alarm's mail; return what went wrong for which recipient."""
        if not to:
            return {}
        try:
            message = self._written(alarm, to)
            # smtplib waits in a thread of its own: an alarm is rare, and one more library would be one more to trust.
            refused = await asyncio.wait_for(asyncio.to_thread(self._send, message), TIMEOUT_SECONDS * 3)
        except (OSError, smtplib.SMTPException, TimeoutError, ValueError) as error:
            return dict.fromkeys(to, f"{type(error).__name__} at KAKARI_SMTP_URL")
        return dict.fromkeys(refused, f"{len(refused)} of {len(to)} recipients refused at KAKARI_SMTP_URL")

    async def close(self) -> None:
        """Give the connections back."""
        await self._poster.close()

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> str | None:
        try:
            answer = await self._poster.post(url, body, headers)
        except (httpx2.HTTPError, TimeoutError) as error:
            return f"{type(error).__name__} at the alarm's address"
        return None if answer.taken else f"the alarm's address answered {answer.status}"

    def _written(self, alarm: Alarm, to: Sequence[str]) -> EmailMessage:
        message = EmailMessage()
        tier = f" [{alarm.tier}]" if alarm.tier else ""
        again = f" (reminder {alarm.level})" if alarm.level else ""
        message["Subject"] = f"{_SUBJECTS.get(alarm.kind, 'Kakari')}{tier}{again}"
        message["From"], message["To"] = self._mail_from, ", ".join(to)
        message["Message-ID"] = f"<{alarm.id}@kakari.invalid>"
        message["Auto-Submitted"] = "auto-generated"
        told = _body(alarm).items()
        message.set_content("\n".join(f"{name}: {value}" for name, value in told if value is not None))
        return message

    def _send(self, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Return who was refused, while others were not."""
        if self._smtp is None or self._smtp.hostname is None:
            raise OSError("no mail server")
        host, context = self._smtp.hostname, ssl.create_default_context()
        server: smtplib.SMTP
        if self._smtp.scheme == "smtps":
            server = smtplib.SMTP_SSL(host, self._smtp.port or 465, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, self._smtp.port or 587, timeout=TIMEOUT_SECONDS)
        with server:
            if self._smtp.scheme == "smtp+starttls":
                server.starttls(context=context)
            if self._smtp.username:
                server.login(unquote(self._smtp.username), unquote(self._smtp.password or ""))
            return server.send_message(message)


def mark(address: str) -> str:
    """Return what stands for an address in the store: a web address may hold a key."""
    return hashlib.sha256(address.encode()).hexdigest()[:16]


def _deaf(addresses: Sequence[str], heard: Collection[str]) -> list[str]:
    return [address for address in addresses if mark(address) not in heard]


def _body(alarm: Alarm) -> dict[str, Any]:
    return {"alarm_id": alarm.id, "kind": alarm.kind, "pharmacy_id": alarm.pharmacy_id,
            "conversation_id": alarm.conversation_id, "handover_id": alarm.handover_id, "tier": alarm.tier,
            "category": alarm.category, "level": alarm.level, "age_seconds": alarm.age_seconds,
            "link": alarm.link}  # fmt: skip
