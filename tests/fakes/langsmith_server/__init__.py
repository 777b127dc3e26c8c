"""A strict stand-in for LangSmith's ingest on loopback."""

from tests.fakes.langsmith_server.fake import LangSmithFake

__all__ = ["LangSmithFake"]
