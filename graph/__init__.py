"""The flow: the only home of LangGraph."""
