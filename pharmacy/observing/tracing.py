"""Tracing: the one place that speaks to LangSmith's library."""

from contextlib import AbstractContextManager

from langsmith import tracing_context


def untraced() -> AbstractContextManager[None]:
    """Return a context in which no run is traced, whatever the environment says.

    LangChain traces by itself when LANGSMITH_TRACING is set, and would send patients' words as they are. Nothing leaves
    until it has been redacted.
    """
    return tracing_context(enabled=False)
