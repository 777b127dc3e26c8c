"""A stand-in for LINE's Messaging API on loopback: as strict as LINE, and it goes wrong in every way on request."""

from tests.fakes.line_server.fake import LineFake

__all__ = ["LineFake"]
