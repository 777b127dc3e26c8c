"""A strict stand-in for LangSmith on loopback: traces, feedback, annotation queues, datasets."""

from tests.fakes.langsmith_server.fake import Fault, LangSmithFake

__all__ = ["Fault", "LangSmithFake"]
