"""A stand-in that answers over HTTP exactly as OpenAI does, and goes wrong in every way on request."""

from tests.fakes.openai_server.fake import OpenAIFake

__all__ = ["OpenAIFake"]
