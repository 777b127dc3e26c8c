"""A mail server on loopback that keeps what it is sent, and refuses on request."""

import socketserver
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self


@dataclass
class MailServer:
    """Takes mail as a provider's server would."""

    replies: list[str] = field(default_factory=list)
    """What the next mails are answered, one each, such as `451 try again`; then they are taken."""

    unknown: dict[str, int] = field(default_factory=dict)
    """Recipient to how many times they are refused, while others are taken."""

    taken: list[tuple[tuple[str, ...], EmailMessage]] = field(default_factory=list)
    """Recipients and message of each mail that was accepted."""

    def __enter__(self) -> Self:
        """Start on a free port."""
        mail = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                mail.speak(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Its address as a setting."""
        return f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def speak(self, line: socketserver.StreamRequestHandler) -> None:
        """Hold one conversation of RFC 5321."""
        self._say(line, "220 ready")
        recipients: list[str] = []
        while said := line.rfile.readline().decode().strip():
            verb = said.split(" ")[0].split(":")[0].upper()
            if verb == "RCPT":
                to = said.split("<")[1].split(">")[0]
                if self.unknown.get(to, 0) > 0:
                    self.unknown[to] -= 1
                    self._say(line, "450 not now")
                    continue
                recipients.append(to)
            if verb == "DATA":
                self._say(line, "354 go on")
                self._say(line, self._take(tuple(recipients), _body(line)))
                recipients = []
            elif verb == "QUIT":
                return self._say(line, "221 bye")
            else:
                self._say(line, "250 OK")
        return None

    def _take(self, recipients: tuple[str, ...], body: bytes) -> str:
        if self.replies:
            return self.replies.pop(0)
        self.taken.append((recipients, message_from_bytes(body, policy=policy.default)))
        return "250 OK"

    def _say(self, line: socketserver.StreamRequestHandler, words: str) -> None:
        line.wfile.write(f"{words}\r\n".encode())


def _body(line: socketserver.StreamRequestHandler) -> bytes:
    lines = []
    while (one := line.rfile.readline()) not in (b".\r\n", b""):
        lines.append(one.removeprefix(b"."))
    return b"".join(lines)
