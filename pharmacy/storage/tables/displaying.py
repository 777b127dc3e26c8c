"""Which draft was on whose screen, and since when."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, Uuid

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

# No rule ties a row to its conversation: checking it would wait for whoever holds that conversation.
displays = Table(
    "displays", metadata, of_pharmacy(), Column("suggestion_id", Uuid, nullable=False),
    Column("shown_to", Text, nullable=False), Column("conversation_id", Text, nullable=False), time("at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "suggestion_id", "shown_to"), Index(None, "pharmacy_id", "at"),
)  # fmt: skip
