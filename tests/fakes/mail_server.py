"""A mail server on loopback that keeps what it is sent, and refuses on request."""

from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope


@dataclass
class MailServer:
    """Takes mail as a provider's server would."""

    replies: list[str] = field(default_factory=list)
    """What the next mails are answered, one each, such as `451 try again`; then they are taken."""

    taken: list[tuple[tuple[str, ...], EmailMessage]] = field(default_factory=list)
    """Recipients and message of each mail that was accepted."""

    def __enter__(self) -> Self:
        """Start on a free port."""
        self._controller = Controller(self, hostname="127.0.0.1", port=0)
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port."""
        self._controller.stop()

    @property
    def url(self) -> str:
        """Its address as a setting."""
        return f"smtp://127.0.0.1:{self._controller.server.sockets[0].getsockname()[1]}"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Answer one mail."""
        if self.replies:
            return self.replies.pop(0)
        parsed = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.taken.append((tuple(envelope.rcpt_tos), parsed))
        return "250 OK"
