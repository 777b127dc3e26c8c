"""Models that run in the process, from committed arrays and written replies."""
